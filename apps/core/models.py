"""What the API's manners keep in each schema."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone


class IdempotentAnswer(models.Model):
    """The answer to a request with an idempotency key, written with what the request changed."""

    # uuid of the key or person who asked: one program's keys are nothing to another.
    principal = models.UUIDField()
    key = models.CharField(max_length=255)
    # SHA-256 of method, address and body.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.TextField()
    # Names of fields whose secrets were shown once and are not kept (api.once).
    omitted = models.JSONField(default=list, db_default=[])
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["principal", "key"], name="one_answer_a_key")
        ]
        indexes = [models.Index(fields=["created_at"], name="answer_age")]

    def __str__(self) -> str:
        return self.key


class Tombstone(models.Model):
    """What was deleted, for programs that keep a copy; a trigger of the table writes it."""

    # What the API calls it: "subscribers".
    resource = models.CharField(max_length=40)
    uuid = models.UUIDField()
    deleted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["deleted_at"], name="tombstone_age")]

    def __str__(self) -> str:
        return f"{self.resource} {self.uuid}"


class Labelled(models.Model):
    """A row that programs follow, and that may carry what other systems call it.

    A migration adds `track()` (apps.core.tracking), whose trigger keeps `updated_at`; a model
    adds `unique_external_id()` to its constraints.
    """

    external_id = models.CharField(
        max_length=64, blank=True, default="", db_default="", editable=False
    )
    # Text by text; the API bounds it.
    metadata = models.JSONField(
        default=dict,
        blank=True,
        db_default=models.Value({}, models.JSONField()),
        editable=False,
    )
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True


def unique_external_id(of: str) -> models.UniqueConstraint:
    """What another system calls a row names one row of its table."""
    return models.UniqueConstraint(
        fields=["external_id"], name=f"{of}_external_id", condition=~Q(external_id="")
    )
