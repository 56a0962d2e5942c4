"""Where the operator's alerts go, what they said, and what became of each. Only in `public`."""

from uuid import uuid4

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.models import Labelled, unique_external_id
from apps.notifications.constants import CRITICAL, INFO, SEVERITIES, WARNING
from apps.notifications.registry import kind_named, rendered


class Severity(models.TextChoices):
    """How much it matters, the least first."""

    INFO = INFO, _("Information")
    WARNING = WARNING, _("Warning")
    CRITICAL = CRITICAL, _("Critical")


class AlertChannel(Labelled):
    """A way to the operator that needs no mail server."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", _("Webhook, signed")
        SLACK = "slack", _("Slack and what takes the same (Mattermost, Rocket.Chat)")
        NTFY = "ntfy", _("ntfy and what takes plain text")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    # Encrypted, and never shown again: whoever knows the address of a chat can write there.
    address = models.TextField(editable=False)
    # Scheme and host of it.
    place = models.CharField(_("address"), max_length=260, editable=False)
    # Encrypted: signs what a webhook gets, or opens a protected ntfy topic.
    secret = models.TextField(blank=True, editable=False)
    severity = models.CharField(
        _("from severity"), max_length=10, choices=Severity.choices, default=Severity.WARNING
    )
    is_on = models.BooleanField(_("on"), default=True)
    # Tries in a row that failed, since when none succeeded, and since when it is said so.
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    told_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)
    last_sent_at = models.DateTimeField(_("last sent"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("alert channel")
        verbose_name_plural = _("alert channels")
        ordering = ["-pk"]
        constraints = [unique_external_id("alert_channel")]

    def __str__(self) -> str:
        return self.name

    def wants(self, severity: str) -> bool:
        """Whether it is told of what matters so much."""
        return SEVERITIES.index(severity) >= SEVERITIES.index(self.severity)


class Alert(models.Model):
    """Something that needed the operator; its words follow from its kind of notice and data."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=60)
    # What it tells of, as `server:<uuid>`; and the event, which is said once.
    about = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    severity = models.CharField(_("severity"), max_length=10, choices=Severity.choices)
    data = models.JSONField(default=dict)
    # A path of this host.
    url = models.CharField(max_length=300, blank=True)
    raised_at = models.DateTimeField(_("raised"), default=timezone.now)
    # Later than raised where the same was said shortly before.
    sends_at = models.DateTimeField(default=timezone.now)
    # How often the same came again within the window.
    repeats = models.PositiveIntegerField(default=0)
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    # The kind and data of the notice that it is over.
    resolved_kind = models.CharField(max_length=60, blank=True)
    resolved_data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="alert_once")]
        indexes = [
            models.Index(fields=["kind", "about", "-id"], name="alert_newest"),
            models.Index(fields=["raised_at"], name="alert_age"),
        ]

    def __str__(self) -> str:
        return self.heading

    @property
    def heading(self) -> str:
        """What happened, in the language in use."""
        return rendered(kind_named(self.kind).heading, self.data)

    @property
    def body(self) -> str:
        """Why, and what to do."""
        return rendered(kind_named(self.kind).body, self.data)


class AlertDelivery(models.Model):
    """An alert, its end, or a test on its way by one channel."""

    class What(models.TextChoices):
        RAISED = "raised", _("Alert")
        RESOLVED = "resolved", _("Resolved")
        TEST = "test", _("Test")

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("Not needed any more")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    # None for a test.
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, null=True, related_name="deliveries")
    channel = models.ForeignKey(AlertChannel, on_delete=models.CASCADE, related_name="deliveries")
    what = models.CharField(_("what"), max_length=10, choices=What.choices)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.QUEUED
    )
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    # The number of the last answer and how it began; and in words what went wrong.
    answer_status = models.PositiveSmallIntegerField(_("answer"), null=True)
    answer = models.CharField(max_length=200, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True)
    # Kept by a trigger (core.tracking).
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("alert delivery")
        verbose_name_plural = _("alert deliveries")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["alert", "channel", "what"], name="one_alert_a_channel")
        ]
        indexes = [models.Index(fields=["created_at"], name="alert_delivery_age")]

    def __str__(self) -> str:
        return f"{self.get_what_display()}: {self.channel}"

    @property
    def heading(self) -> str:
        """What it tells, in the language in use."""
        return str(_("A test")) if self.alert is None else self.alert.heading


class MailPath(models.Model):
    """A mail server of the operator, while it takes no mail; written from any schema."""

    class Name(models.TextChoices):
        INSTALLATION = "installation", _("The mail server of this installation")
        SENDER = "sender", _("The mail server that is set under Sender")

    name = models.CharField(max_length=20, choices=Name.choices, unique=True)
    failing_since = models.DateTimeField(null=True)
    refusals = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)
    # When it was told; None while it may pass by itself.
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = '"public"."alerts_mailpath"'
        verbose_name = _("mail server")
        verbose_name_plural = _("mail servers")

    def __str__(self) -> str:
        return str(self.get_name_display())
