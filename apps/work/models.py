"""The queue. Its tables lie in `public` and are written in the tenants' own transactions."""

from uuid import uuid4

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.work import constants
from apps.work.words import read


class Due(models.Model):
    """One piece of work in one schema: when it is due, who holds it, how far it is.

    This row is the queue; a task on the broker is only its wake-up. `epoch` grows with every
    claim and fences out a worker that lost its lease.
    """

    class State(models.TextChoices):
        QUEUED = constants.QUEUED, _("Queued")
        RUNNING = constants.RUNNING, _("Running")
        WAITING = constants.WAITING, _("Waiting")
        DONE = constants.DONE, _("Done")
        FAILED = constants.FAILED, _("Failed")
        CANCELLED = constants.CANCELLED, _("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    schema = models.CharField(max_length=63)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    # Title and reason as texts that readers have in their languages (words), where they are such.
    title_words = models.JSONField(null=True, editable=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=300, blank=True)
    reason_words = models.JSONField(null=True, editable=False)
    progress = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    epoch = models.PositiveIntegerField(default=0)
    # Claims in a row that ended without progress: the worker died, stopped or crashed.
    stalls = models.PositiveSmallIntegerField(default=0)
    woken_at = models.DateTimeField(null=True)
    # The span that asked for it, which its own continues (dotmac.telemetry.tracing).
    traceparent = models.CharField(
        max_length=55, blank=True, default="", db_default="", editable=False
    )
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"public"."work_due"'
        verbose_name = _("piece of work")
        verbose_name_plural = _("work")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["schema", "kind", "subject"], name="due_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="due_open",
                condition=models.Q(state__in=[constants.QUEUED, constants.WAITING]),
            ),
            models.Index(
                fields=["lease_until"],
                name="due_leased",
                condition=models.Q(state=constants.RUNNING),
            ),
            models.Index(fields=["-created_at"], name="due_newest"),
            models.Index(
                fields=["finished_at"],
                name="due_finished",
                condition=models.Q(finished_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.shown_title

    @property
    def shown_title(self) -> str:
        """What it does, in the reader's language."""
        return read(self.title_words) if self.title_words else self.title

    @property
    def shown_reason(self) -> str:
        """Why it stands as it does, in the reader's language."""
        return read(self.reason_words) if self.reason_words else self.reason


class Signal(models.Model):
    """A note that a schema has news of a kind; many writers add rows without waiting."""

    schema = models.CharField(max_length=63)
    kind = models.CharField(max_length=40)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = '"public"."work_signal"'


class Mark(models.Model):
    """How far a schema's event log has ever been, kept where whoever writes in it cannot reach."""

    schema = models.CharField(max_length=63, primary_key=True)
    number = models.BigIntegerField()
    chain = models.CharField(max_length=64)
    signature = models.CharField(max_length=64)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = '"public"."work_mark"'


class Beat(models.Model):
    """When the clock last did one of its duties, and when one last failed."""

    name = models.CharField(max_length=60, primary_key=True)
    ticked_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"public"."work_beat"'

    def __str__(self) -> str:
        return self.name
