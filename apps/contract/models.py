"""The grant that a workspace holds, and the number of its last usage report."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class HeldGrant(models.Model):
    """The newest grant accepted; one row, made with the workspace.

    Before the first grant arrives the workspace works as if it had one issued at its birth.
    """

    serial = models.PositiveIntegerField(default=0)
    mode = models.CharField(max_length=10, default="full")
    issued_at = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(null=True)
    entitlements = models.JSONField(default=dict)
    limits = models.JSONField(default=dict)
    hostnames = models.JSONField(default=list)
    brand = models.JSONField(default=dict)
    version = models.CharField(max_length=40, blank=True)
    # Ids of everybody who belongs, at the platform; None where it did not say.
    members = models.JSONField(null=True)
    received_at = models.DateTimeField(null=True)
    report_number = models.PositiveIntegerField(default=0)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True)

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grant")
        constraints = [models.CheckConstraint(condition=models.Q(is_only=True), name="one_grant")]

    def __str__(self) -> str:
        return f"Grant {self.serial}"
