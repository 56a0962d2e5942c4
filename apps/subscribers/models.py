"""An ISP's subscribers, where they live, the services they have, and lists brought by file."""

from typing import ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate, Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.billing.models import PlanVersion
from apps.core.models import Labelled, unique_external_id
from apps.subscribers.exceptions import TransitionError
from apps.subscribers.querysets import ServiceQuerySet, SubscriberQuerySet


class _Moving(models.Model):
    """A row with a status that changes by compare-and-swap only."""

    SOURCES: ClassVar[dict[str, set[str]]]
    status: "models.CharField[str, str]"

    class Meta:
        abstract = True

    def move_to(self, status: str, **values: object) -> None:
        """Change status in one UPDATE, so that two writers cannot both win.

        TransitionError says in which status it is instead.
        """
        rows = type(self)._default_manager.filter(  # type: ignore[misc]
            pk=self.pk, status__in=self.SOURCES[status]
        )
        if not rows.update(status=status, **values):  # type: ignore[misc]
            self.refresh_from_db(fields=["status"])  # type: ignore[misc]
            labels = dict(self._meta.get_field("status").flatchoices)  # type: ignore[misc,union-attr]
            raise TransitionError(
                _("%(what)s is %(state)s, so it cannot become %(wanted)s.")
                % {
                    "what": self,
                    "state": str(labels[self.status]).lower(),
                    "wanted": str(labels[status]).lower(),
                }
            )
        self.status = status
        for name, value in values.items():
            setattr(self, name, value)


class SubscriberImport(_Moving):
    """A list of subscribers brought as a file: checked first, written when a person says so."""

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("Uploaded")
        CHECKED = "checked", _("Checked")
        IMPORTING = "importing", _("Being imported")
        IMPORTED = "imported", _("Imported")
        REFUSED = "refused", _("Refused")

    class Mode(models.TextChoices):
        ALL_OR_NOTHING = "all_or_nothing", _("Import only if no row is in error")
        SKIP_ERRORS = "skip_errors", _("Import the good rows and leave out those in error")

    SOURCES = {
        Status.CHECKED: {Status.UPLOADED, Status.IMPORTING},
        Status.REFUSED: {Status.UPLOADED},
        Status.IMPORTING: {Status.CHECKED},
        Status.IMPORTED: {Status.IMPORTING},
    }

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    filename = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.UPLOADED)
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.ALL_OR_NOTHING)
    # How the file is read, found by its first look: encoding, delimiter, header, columns.
    layout = models.JSONField(default=dict)
    cause = models.TextField(blank=True)
    total_rows = models.PositiveIntegerField(default=0)
    error_rows = models.PositiveIntegerField(default=0)
    created_rows = models.PositiveIntegerField(default=0)
    # Numbers of the last rows that were checked and written: where a new worker goes on.
    checked_row = models.PositiveIntegerField(default=0)
    written_row = models.PositiveIntegerField(default=0)
    created_by = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    # Kept by a trigger (core.tracking).
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("subscriber import")
        verbose_name_plural = _("subscriber imports")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.filename

    @property
    def good_rows(self) -> int:
        """How many rows can be imported."""
        return self.total_rows - self.error_rows


class ImportRow(models.Model):
    """A row of an imported file as it came, with what is wrong with it."""

    source = models.ForeignKey(SubscriberImport, on_delete=models.CASCADE, related_name="rows")
    # As a spreadsheet counts: the header is row 1.
    row = models.PositiveIntegerField()
    cells = models.JSONField()
    number = models.CharField(max_length=20, blank=True)
    external_id = models.CharField(max_length=64, blank=True)
    username = models.CharField(max_length=64, blank=True)
    # A list of {"column": …, "message": …}.
    errors = models.JSONField(default=list)
    is_good = models.BooleanField(default=True)

    class Meta:
        ordering = ["source", "row"]
        constraints = [models.UniqueConstraint(fields=["source", "row"], name="import_row_once")]
        indexes = [
            models.Index(fields=["source", key], name=f"import_{key}", condition=~Q(**{key: ""}))
            for key in ("number", "external_id", "username")
        ] + [models.Index(fields=["source", "row"], name="import_bad", condition=Q(is_good=False))]

    def __str__(self) -> str:
        return f"{self.source} row {self.row}"


class Subscriber(_Moving, Labelled):
    """A customer of the ISP, or somebody who may become one."""

    class Status(models.TextChoices):
        LEAD = "lead", _("Lead")
        QUALIFIED = "qualified", _("Qualified")
        ACTIVE = "active", _("Active")
        INACTIVE = "inactive", _("Inactive")
        ARCHIVED = "archived", _("Archived")

    SOURCES = {
        Status.QUALIFIED: {Status.LEAD},
        Status.ACTIVE: {Status.LEAD, Status.QUALIFIED, Status.INACTIVE},
        Status.INACTIVE: {Status.ACTIVE, Status.ARCHIVED},
        Status.ARCHIVED: {Status.LEAD, Status.QUALIFIED, Status.INACTIVE},
    }

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.LEAD
    )
    # What another system calls this customer.
    external_id = models.CharField(_("external reference"), max_length=64, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="subscribers",
        verbose_name=_("portal log-in"),
    )
    language = models.CharField(_("language"), max_length=10, blank=True)
    source_import = models.ForeignKey(
        SubscriberImport,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="subscribers",
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"],
                name="subscriber_external_id",
                condition=~Q(external_id=""),
            )
        ]
        indexes = [
            models.Index(Collate(Lower("name"), "C"), name="subscriber_name"),
            models.Index(Collate(Lower("email"), "C"), name="subscriber_email"),
            models.Index(fields=["status", "-id"], name="subscriber_status"),
            models.Index(fields=["created_at"], name="subscriber_created"),
            models.Index(fields=["updated_at"], name="subscriber_updated"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.number})"


class ServiceAddress(models.Model):
    """Where a service is delivered."""

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="addresses")
    street = models.CharField(_("street"), max_length=120)
    postcode = models.CharField(_("postcode"), max_length=16, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    lat = models.DecimalField(_("latitude"), max_digits=9, decimal_places=6, null=True, blank=True)
    lon = models.DecimalField(_("longitude"), max_digits=9, decimal_places=6, null=True, blank=True)

    class Meta:
        verbose_name = _("address")
        verbose_name_plural = _("addresses")
        ordering = ["id"]

    def __str__(self) -> str:
        town = f"{self.postcode} {self.city}".strip()
        return ", ".join(part for part in (self.street, town, self.country) if part)


class Service(_Moving, Labelled):
    """What a subscriber has from the ISP: a plan, delivered at an address."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PENDING_INSTALL = "pending_install", _("Waiting for installation")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        TERMINATED = "terminated", _("Terminated")

    class Suspension(models.TextChoices):
        NONPAYMENT = "nonpayment", _("Unpaid invoices")
        VOLUNTARY = "voluntary", _("Asked for by the subscriber")
        ABUSE = "abuse", _("Abuse")
        ADMIN = "admin", _("By the staff")

    SOURCES = {
        Status.PENDING_INSTALL: {Status.DRAFT},
        Status.ACTIVE: {Status.DRAFT, Status.PENDING_INSTALL, Status.SUSPENDED},
        Status.SUSPENDED: {Status.ACTIVE},
        Status.TERMINATED: {
            Status.DRAFT,
            Status.PENDING_INSTALL,
            Status.ACTIVE,
            Status.SUSPENDED,
        },
    }

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.CASCADE, related_name="services", verbose_name=_("subscriber")
    )
    plan_version = models.ForeignKey(
        PlanVersion, on_delete=models.PROTECT, related_name="+", verbose_name=_("plan")
    )
    address = models.ForeignKey(
        ServiceAddress,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="services",
        verbose_name=_("address"),
    )
    # What the subscriber's router signs in with; empty where the access needs none.
    username = models.CharField(_("user name"), max_length=64, blank=True)
    status = models.CharField(
        _("status"), max_length=16, choices=Status.choices, default=Status.DRAFT
    )
    suspension = models.CharField(
        _("suspended for"), max_length=10, choices=Suspension.choices, blank=True
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    activated_at = models.DateTimeField(_("active since"), null=True, editable=False)
    suspended_at = models.DateTimeField(_("suspended since"), null=True, editable=False)
    terminated_at = models.DateTimeField(_("terminated"), null=True, editable=False)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["username"], name="service_username", condition=~Q(username="")
            ),
            unique_external_id("service"),
            models.CheckConstraint(
                condition=Q(status="suspended") ^ Q(suspension=""), name="suspended_for_a_reason"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "plan_version"], name="service_status"),
            models.Index(Collate("username", "C"), name="service_username_prefix"),
            models.Index(fields=["updated_at"], name="service_updated"),
            # A chart counts by them; most services never ended.
            models.Index(
                fields=["activated_at"],
                name="service_activated",
                condition=Q(activated_at__isnull=False),
            ),
            models.Index(
                fields=["terminated_at"],
                name="service_terminated",
                condition=Q(terminated_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_version.plan.name} of {self.subscriber.name}"


class ServiceStateChange(models.Model):
    """One step in a service's life."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=16, blank=True)
    target = models.CharField(max_length=16)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=254, blank=True)

    class Meta:
        verbose_name = _("change of state")
        verbose_name_plural = _("changes of state")
        ordering = ["-id"]
        indexes = [models.Index(fields=["at"], name="service_change_at")]

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"
