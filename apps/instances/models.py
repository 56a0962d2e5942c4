"""An ISP's deployments, in its console."""

from typing import ClassVar
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import ConflictError
from apps.core.models import Labelled, unique_external_id
from apps.instances.constants import NAME_LENGTH


class Instance(Labelled):
    """A tenant's application: one stack of containers, or a shared workspace."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        DEPLOYING = "deploying", _("Deploying")
        ACTIVE = "active", _("Active")
        STOPPED = "stopped", _("Stopped")
        SUSPENDED = "suspended", _("Suspended")
        ARCHIVED = "archived", _("Archived")
        FAILED = "failed", _("Failed")

    class Hosting(models.TextChoices):
        SHARED = "shared", _("Shared")
        DEDICATED = "dedicated", _("Dedicated")

    # From which statuses each may be entered.
    SOURCES: ClassVar[dict[str, set[str]]] = {
        Status.DEPLOYING: {
            Status.PENDING,
            Status.ACTIVE,
            Status.FAILED,
            Status.STOPPED,
            Status.ARCHIVED,
        },
        Status.ACTIVE: {
            Status.PENDING,
            Status.DEPLOYING,
            Status.STOPPED,
            Status.SUSPENDED,
            Status.ARCHIVED,
        },
        Status.STOPPED: {Status.ACTIVE, Status.SUSPENDED},
        Status.SUSPENDED: {Status.ACTIVE, Status.STOPPED},
        Status.ARCHIVED: {Status.ACTIVE, Status.STOPPED, Status.SUSPENDED, Status.FAILED},
        # Those that ran by the loss of their server (losing).
        Status.FAILED: {
            Status.DEPLOYING,
            Status.PENDING,
            Status.ACTIVE,
            Status.STOPPED,
            Status.SUSPENDED,
        },
        Status.PENDING: {Status.DEPLOYING},
    }

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    app = models.CharField(_("app"), max_length=30)
    release = models.CharField(_("release"), max_length=40, blank=True)
    hosting = models.CharField(_("hosting"), max_length=10, choices=Hosting.choices)
    status = models.CharField(
        _("status"), max_length=12, choices=Status.choices, default=Status.PENDING
    )
    status_reason = models.CharField(max_length=300, blank=True)
    hostname = models.CharField(_("address"), max_length=253, unique=True)
    region = models.CharField(_("region"), max_length=30, blank=True)
    # What the ISP set; secrets among it and the generated ones lie encrypted in `sealed`.
    environment = models.JSONField(_("environment"), default=dict, blank=True)
    sealed = models.TextField(blank=True, editable=False)
    deployment = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        ordering = ["name"]
        constraints = [unique_external_id("instance")]

    def __str__(self) -> str:
        return self.name

    def move_to(self, status: str, *, reason: str = "") -> None:
        """Change status in one UPDATE, so that two workers cannot both win."""
        moved = Instance.objects.filter(
            pk=self.pk, status__in={*self.SOURCES[status], status}
        ).update(status=status, status_reason=reason[:300])
        if not moved:
            self.refresh_from_db(fields=["status"])
            raise ConflictError(
                _("%(what)s is %(state)s, so it cannot become %(wanted)s.")
                % {
                    "what": self.name,
                    "state": self.get_status_display().lower(),
                    "wanted": str(self.Status(status).label).lower(),
                }
            )
        self.status, self.status_reason = status, reason[:300]


class Deployment(models.Model):
    """One release of an instance put in place, or tried."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        RETIRED = "retired", _("Retired")

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="deployments")
    number = models.PositiveIntegerField()
    release = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    # What its containers were given, encrypted: they stay as they are while the next one fails.
    sealed = models.TextField(blank=True, editable=False)
    operation = models.UUIDField()
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["instance", "number"], name="deployment_number")
        ]

    def __str__(self) -> str:
        return f"{self.instance} #{self.number}"
