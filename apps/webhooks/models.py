"""Where events are sent, and what became of each."""

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.core.models import Labelled, unique_external_id


class Endpoint(Labelled):
    """An address of a program that wants to know what happens."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        DISABLED = "disabled", _("Switched off after failures")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    url = models.CharField(_("address"), max_length=500)
    description = models.CharField(_("description"), max_length=120, blank=True)
    # Types of events, as “subscriber.created” or “subscriber.*”; empty means all.
    types = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    # Encrypted (secrets). The one of before signs too until its time is over.
    secret = models.TextField(editable=False)
    old_secret = models.TextField(blank=True, editable=False)
    old_secret_until = models.DateTimeField(null=True, editable=False)
    # Turns in a row in which every attempt failed, and since when none succeeded.
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    # Nothing is sent before; set while it fails again and again.
    rests_until = models.DateTimeField(null=True, editable=False)
    # Numbers in the log behind which, and up to which, events are still to be sent again.
    replay_after = models.BigIntegerField(null=True, editable=False)
    replay_until = models.BigIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["-pk"]
        constraints = [unique_external_id("webhook")]

    def __str__(self) -> str:
        return self.description or self.place

    @property
    def place(self) -> str:
        """Scheme and host; the rest of an address may be a password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or ''}"

    def wants(self, type: str) -> bool:
        """Whether it asked for events of this type."""
        return not self.types or any(
            type == one or (one.endswith(".*") and type.startswith(one[:-1])) for one in self.types
        )


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    # The event's; the same whenever it is sent again, so that a receiver can tell.
    event = models.UUIDField()
    type = models.CharField(_("event"), max_length=80)
    # Of a test, which is no event of the log.
    test_body = models.JSONField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Kept by a trigger (core.tracking).
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="delivery_once")]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at"],
                name="delivery_pending",
                condition=models.Q(state="pending"),
            ),
            models.Index(fields=["endpoint", "-id"], name="delivery_newest"),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.uuid}"


class Attempt(models.Model):
    """One try of a delivery: what the receiver answered, and how long it took."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveIntegerField()
    error = models.CharField(max_length=200, blank=True)
    # How its answer began.
    answer = models.TextField(blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.error or f"{self.status}"


def shown_types(types: Any) -> str:
    """The filter in words."""
    return ", ".join(types) or str(_("all events"))
