"""Operations, their steps and their log."""

from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _


class Operation(models.Model):
    """Long work on one subject, stored before it runs."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        WAITING = "waiting", _("Waiting")
        UNDOING = "undoing", _("Undoing")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    ACTIVE = (Status.QUEUED, Status.RUNNING, Status.WAITING, Status.UNDOING)
    ENDED = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(max_length=60)
    title = models.CharField(max_length=200)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    is_undoing = models.BooleanField(default=False)
    params = models.JSONField(default=dict)
    # What steps found or made and later ones need: names, addresses; never secrets.
    memory = models.JSONField(default=dict)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=254, blank=True)
    cause = models.TextField(blank=True)
    waits_for = models.CharField(max_length=300, blank=True)
    cancel_asked_at = models.DateTimeField(null=True)
    retry_of = models.UUIDField(null=True)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id"],
                name="one_active_operation",
                condition=models.Q(status__in=["queued", "running", "waiting", "undoing"]),
            )
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="operation_newest"),
            models.Index(fields=["subject_id", "-created_at"], name="operation_of_subject"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_active(self) -> bool:
        """Whether it still runs or will."""
        return self.status in self.ACTIVE


class Step(models.Model):
    """One step of an operation, repeatable until it is done."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        UNDONE = "undone", _("Undone")
        SKIPPED = "skipped", _("Skipped")

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    # How far it is while it runs, where it can tell.
    percent = models.PositiveSmallIntegerField(default=0, db_default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    undo_attempt = models.PositiveSmallIntegerField(default=0)
    # Its undo is behind it, for better or worse; a failed step stays failed.
    is_undo_over = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "position"], name="step_position")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def duration_s(self) -> float | None:
        """Seconds it took, None before its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class LogLine(models.Model):
    """A line of what a step did, shown to the people who wait for it."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="lines")
    step_position = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    level = models.CharField(max_length=8, default="info")
    text = models.TextField()

    class Meta:
        ordering = ["id"]
