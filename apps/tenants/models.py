"""ISPs as the platform's customers: who they are, their plan, their two tenants."""

from uuid import uuid4

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.visits.models import LONGEST_REASON
from apps.core.models import Labelled, unique_external_id
from apps.core.personal import SUBSCRIBER, USER
from apps.tenancy.constants import SLUG_PATTERN
from apps.tenancy.models import Tenant


class Organisation(Labelled):
    """An ISP: one customer with a console and a workspace."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Being set up")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        CLOSED = "closed", _("Closed")

    class Side(models.TextChoices):
        """Who closes one."""

        OWNER = "owner", _("its owner")
        OPERATOR = "operator", _("the operator")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    slug = models.CharField(max_length=30, unique=True, validators=[RegexValidator(SLUG_PATTERN)])
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    country = models.CharField(max_length=2)
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=60)
    region = models.CharField(max_length=30)
    # uuid of billing.PlanVersion at the operator: no foreign key to an app of all kinds.
    plan_version = models.UUIDField()
    plan_key = models.CharField(max_length=40)
    trial_ends_at = models.DateTimeField(null=True)
    # uuid of the operator-level user who owns it.
    owner = models.UUIDField()
    email = models.EmailField()
    console = models.OneToOneField(
        Tenant, on_delete=models.PROTECT, null=True, related_name="console_of"
    )
    workspace = models.OneToOneField(
        Tenant, on_delete=models.PROTECT, null=True, related_name="workspace_of"
    )
    # A double click sends the same key twice and makes one organisation.
    idempotency_key = models.UUIDField(unique=True, default=uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # While it is closed: since when, by whom ("owner" or "operator"), why, what it was before, and
    # from when it is erased.
    closed_at = models.DateTimeField(null=True, editable=False)
    closed_by = models.CharField(
        max_length=10, choices=Side.choices, blank=True, default="", db_default="", editable=False
    )
    closing_reason = models.CharField(
        _("reason"), max_length=300, blank=True, default="", db_default="", editable=False
    )
    closed_from = models.CharField(
        max_length=12, blank=True, default="", db_default="", editable=False
    )
    erase_after = models.DateTimeField(_("erased from"), null=True, editable=False)

    class Meta:
        db_table = '"public"."tenants_organisation"'
        ordering = ["name"]
        constraints = [unique_external_id("organisation")]
        indexes = [
            models.Index(fields=["-created_at"], name="organisation_newest"),
            models.Index(
                fields=["erase_after"],
                name="organisation_closing",
                condition=models.Q(erase_after__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """An operator-level user who may enter an organisation's console."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="members")
    user = models.UUIDField()
    role = models.CharField(max_length=20, default="owner")
    # When they last had their sessions ended at the operator, and so in the organisation's schemas.
    signed_out_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"public"."tenants_membership"'
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_membership")
        ]

    def __str__(self) -> str:
        return self.role


class OwnershipOffer(models.Model):
    """An organisation that its owner offers to another member; at most one at a time."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.CASCADE, related_name="ownership_offer"
    )
    made_by = models.UUIDField()
    offered_to = models.UUIDField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = '"public"."tenants_ownershipoffer"'


class Impersonation(models.Model):
    """Somebody of the operator in an organisation's schemas, for a reason and for a time."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, related_name="impersonations"
    )
    # The operator-level user.
    user = models.UUIDField()
    email = models.EmailField(_("who"))
    reason = models.CharField(_("reason"), max_length=LONGEST_REASON)
    started_at = models.DateTimeField(_("since"), auto_now_add=True)
    expires_at = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        db_table = '"public"."tenants_impersonation"'
        verbose_name = _("support visit")
        verbose_name_plural = _("support visits")
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "user"],
                condition=models.Q(ended_at=None),
                name="one_open_impersonation",
            )
        ]

    def __str__(self) -> str:
        return self.email


class Grant(models.Model):
    """The last grant signed for a workspace, and how its push went."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.CASCADE, related_name="grant"
    )
    serial = models.PositiveIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = '"public"."tenants_grant"'


class UsageReport(models.Model):
    """A workspace's signed, numbered, cumulative count of what its plan meters."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="reports")
    number = models.PositiveIntegerField()
    meters = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)
    token = models.TextField()

    class Meta:
        db_table = '"public"."tenants_usagereport"'
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "number"], name="one_report_a_number")
        ]


class Erasure(models.Model):
    """An organisation that is being erased, or was: then this row is all that is left of it.

    It names no person. `sealed` holds what the steps look for, and is empty once they are through.
    """

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    organisation = models.UUIDField(unique=True, editable=False)
    name = models.CharField(_("organisation"), max_length=120)
    # Never given to another one: people may have kept a link, or a browser a cookie.
    slug = models.CharField(_("address"), max_length=30, unique=True)
    # Schemas and hosts that it had.
    schemas = models.JSONField(default=list)
    hosts = models.JSONField(default=list)
    asked_by = models.CharField(
        _("asked by"), max_length=10, choices=Organisation.Side.choices, editable=False
    )
    asked_at = models.DateTimeField(_("asked"))
    begun_at = models.DateTimeField(_("begun"), auto_now_add=True)
    erased_at = models.DateTimeField(_("erased"), null=True)
    backups_until = models.DateTimeField(_("last backup runs out"), null=True)
    # Null where logs end by their size, whenever that is.
    logs_until = models.DateTimeField(_("last server log runs out"), null=True)
    # What went, by kind and name, and how much of it; what stays, in ids of texts.
    counts = models.JSONField(default=dict)
    kept = models.JSONField(default=list)
    # What nobody saw go, by lost server (dotmac.crypto.contracts.Unproven).
    unproven = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    # Encrypted (erasing.traces).
    sealed = models.TextField(blank=True, editable=False)
    # The certificate, signed by the platform's key.
    token = models.TextField(blank=True, editable=False)

    class Meta:
        db_table = '"public"."tenants_erasure"'
        verbose_name = _("erased organisation")
        verbose_name_plural = _("erased organisations")
        ordering = ["-begun_at"]
        indexes = [models.Index(fields=["-begun_at"], name="erasure_newest")]

    def __str__(self) -> str:
        return self.name


class ErasedPerson(models.Model):
    """A person who was erased, by ids that name nobody, so that a restore brings nobody back."""

    class Kind(models.TextChoices):
        USER = USER, _("Person")
        SUBSCRIBER = SUBSCRIBER, _("Subscriber")

    schema = models.CharField(_("schema"), max_length=63)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    person = models.UUIDField(_("id"))
    erased_at = models.DateTimeField(_("erased"))
    # Known from off site alone since then: the database was restored to a moment before.
    restored_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = '"public"."tenants_erasedperson"'
        constraints = [
            models.UniqueConstraint(
                fields=["schema", "kind", "person"], name="one_erasure_of_a_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.schema}.{self.kind}.{self.person}"
