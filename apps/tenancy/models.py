"""Tenants and their hosts. The tables lie in `public` and are named so, from any schema."""

from uuid import uuid4

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from apps.tenancy.constants import SLUG_PATTERN


class Tenant(TenantMixin):
    """One schema of this database: an ISP's console or its workspace, or the operator's own."""

    class Kind(models.TextChoices):
        PUBLIC = "public", _("Operator")
        CONSOLE = "console", _("Console")
        WORKSPACE = "workspace", _("Workspace")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    slug = models.CharField(max_length=30, validators=[RegexValidator(SLUG_PATTERN)])
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)
    # A dedicated workspace keeps its row here for its name; its schema lies in its own database.
    is_local = models.BooleanField(default=True)
    # From when its organisation is erased; None while nobody wants that.
    erased_from = models.DateTimeField(null=True, editable=False)
    # Nobody gets in any more: visitors are told that it is closed, and until when that can end.
    is_shut = models.BooleanField(default=False, db_default=False, editable=False)

    # Not a column: whether its migration failed, so that this release cannot serve it (hosts).
    is_left_behind = False

    auto_create_schema = False
    auto_drop_schema = False

    class Meta:
        db_table = '"public"."tenancy_tenant"'
        constraints = [models.UniqueConstraint(fields=["kind", "slug"], name="one_slug_a_kind")]

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):
    """A host that leads to a tenant."""

    class Meta:
        db_table = '"public"."tenancy_domain"'


class SchemaTemplate(models.Model):
    """The SQL of an empty schema of a kind, as this release migrates it."""

    kind = models.CharField(max_length=16)
    fingerprint = models.CharField(max_length=64)
    sql = models.TextField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = '"public"."tenancy_schematemplate"'
        constraints = [
            models.UniqueConstraint(fields=["kind", "fingerprint"], name="one_template_a_release")
        ]


class SpareSchema(models.Model):
    """An empty schema that waits for a tenant."""

    name = models.CharField(max_length=63, unique=True)
    kind = models.CharField(max_length=16)
    fingerprint = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = '"public"."tenancy_spareschema"'

    def __str__(self) -> str:
        return self.name


class FailedMigration(models.Model):
    """A schema that this release could not migrate; it stays as it was until a run succeeds."""

    schema = models.CharField(_("schema"), max_length=63, unique=True)
    error = models.TextField(_("error"))
    times = models.PositiveIntegerField(_("times"), default=1)
    failed_at = models.DateTimeField(_("failed at"))

    class Meta:
        db_table = '"public"."tenancy_failedmigration"'
        verbose_name = _("tenant that was not migrated")
        verbose_name_plural = _("tenants that were not migrated")

    def __str__(self) -> str:
        return self.schema
