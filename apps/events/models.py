"""The event log of a schema, its seal, and how far its readers are."""

from uuid import uuid4

from django.db import models
from django.db.models import Func
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class _CurrentTransaction(Func):
    """The 64-bit id of the running transaction; never reused, unlike xmin."""

    function = "pg_current_xact_id"
    template = "(%(function)s()::text::bigint)"
    output_field = models.BigIntegerField()
    arity = 0


class Event(models.Model):
    """Something that happened. Inserted unchained; a sealer chains it within seconds.

    `digest` is made of the content by a scheme (digests), `stamp` proves that this installation
    wrote it, `chain` is SHA-256 over the chain before, the scheme, the id and the digest. Either
    part of the content can be erased with its salt for a person's sake; its own digest then stays
    in its place, with the erasure's event, and the chain still proves.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    at = models.DateTimeField()
    type = models.CharField(max_length=80)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=254, blank=True)
    # From where the person or program asked; empty for what the system did by itself.
    ip = models.CharField(max_length=45, blank=True, default="", db_default="")
    actor_salt = models.CharField(max_length=32, blank=True, default="", db_default="")
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=64)
    subject_label = models.CharField(max_length=200, blank=True)
    data = models.JSONField(default=dict)
    salt = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    scheme = models.PositiveSmallIntegerField(default=4, db_default=1)
    stamp = models.CharField(max_length=64, blank=True, default="", db_default="")
    actor_erased_by = models.UUIDField(null=True, editable=False)
    actor_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    erased_by = models.UUIDField(null=True, editable=False)
    content_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    xid = models.BigIntegerField(db_default=_CurrentTransaction())
    seal_no = models.BigIntegerField(null=True, unique=True)
    chain = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "-id"], name="event_subject"),
            models.Index(fields=["type", "-id"], name="event_type"),
            models.Index(fields=["at", "id"], name="event_at"),
            models.Index(
                fields=["id"], name="event_unsealed", condition=models.Q(seal_no__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_label}".strip()


class Checkpoint(models.Model):
    """A signed statement of the chain at a seal number; the newest follows the newest event."""

    seal_no = models.BigIntegerField(unique=True)
    chain = models.CharField(max_length=64)
    signature = models.TextField()
    made_at = models.DateTimeField(auto_now_add=True)


class Cursor(models.Model):
    """How far a reader of the log is."""

    name = models.CharField(max_length=40, unique=True)
    seal_no = models.BigIntegerField(default=0)
    # How often the next event's reactions have failed.
    failures = models.PositiveSmallIntegerField(default=0)


class Verification(models.Model):
    """One proof of the log, asked for by somebody and made by a worker; one at a time."""

    class State(models.TextChoices):
        OPEN = "open", _("Under way")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    asked_by = models.CharField(max_length=254)
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # How many events were to be read, and how many are.
    expected = models.PositiveBigIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    # What was found, as a report says it; why it failed, if it did.
    report = models.JSONField(default=dict)
    cause = models.CharField(max_length=200, blank=True)
    # Why the log's end is to be accepted, and by which actor, where it is (accepting).
    accepts = models.JSONField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], name="one_verification", condition=models.Q(state="open")
            )
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.asked_at):%Y-%m-%d %H:%M}"

    @property
    def percent(self) -> int:
        """How far it is."""
        return min(99, 100 * self.events // self.expected) if self.expected else 0
