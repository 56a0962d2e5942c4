"""What people were told, by which ways, and which ways they want."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.notifications.constants import EMAIL, INBOX, SMS
from apps.notifications.registry import Kind, kind_named, rendered


class Channel(models.TextChoices):
    """The ways to a person."""

    INBOX = INBOX, _("Inbox")
    EMAIL = EMAIL, _("E-mail")
    SMS = SMS, _("SMS")


class Notification(models.Model):
    """Something that one person was told; its words follow from its kind and data."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=60)
    # What it tells of, so that the same is told once: the uuid of an event, for instance.
    key = models.CharField(max_length=80)
    data = models.JSONField(default=dict)
    # A path of this host.
    url = models.CharField(max_length=300, blank=True)
    # False where the person wants only a mail.
    is_shown = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "key"], name="told_once"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_inbox"),
            models.Index(
                fields=["user"],
                name="notification_unread",
                condition=Q(read_at__isnull=True, is_shown=True),
            ),
        ]

    def __str__(self) -> str:
        return self.heading

    @property
    def about(self) -> Kind:
        """Its kind."""
        return kind_named(self.kind)

    @property
    def heading(self) -> str:
        """What happened, in the language of whoever reads."""
        return rendered(self.about.heading, self.data)

    @property
    def body(self) -> str:
        """Why, and what to do."""
        return rendered(self.about.body, self.data)


class Preference(models.Model):
    """Whether a person wants a kind by a way; without a row the kind's own choice holds."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=60)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    is_on = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "channel"], name="one_preference")
        ]


class Phone(models.Model):
    """A person's mobile number, as they entered it; E.164."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="+")
    number = models.CharField(max_length=16)


class SmsGateway(models.Model):
    """How text messages leave this level: a provider's HTTP API; one row (gateways)."""

    class Method(models.TextChoices):
        POST = "POST", "POST"
        PUT = "PUT", "PUT"

    class Format(models.TextChoices):
        JSON = "json", "JSON"
        FORM = "form", _("a form")

    url = models.URLField(max_length=300, blank=True)
    method = models.CharField(max_length=6, choices=Method.choices, default=Method.POST)
    format = models.CharField(max_length=6, choices=Format.choices, default=Format.JSON)
    body = models.TextField(default='{"to": "{to}", "body": "{text}"}')
    # Encrypted: they hold the provider's secret.
    headers = models.TextField(blank=True, editable=False)
    is_on = models.BooleanField(default=False)
    # Grows with every save, so that two people do not overwrite each other.
    version = models.PositiveIntegerField(default=0)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True)

    class Meta:
        verbose_name = _("SMS gateway")
        verbose_name_plural = _("SMS gateway")
        constraints = [models.CheckConstraint(condition=Q(is_only=True), name="one_sms_gateway")]

    def __str__(self) -> str:
        return self.url


class Suppressed(models.Model):
    """An address to which nothing is sent any more (notifications.suppression)."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    # Always lower case.
    address = models.EmailField(_("address"), unique=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    since = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    # Kept by a trigger (core.tracking).
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("suppressed address")
        verbose_name_plural = _("suppressed addresses")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.address


class BounceAddress(models.Model):
    """Which secret address for bounces holds; one row, made when it is first renewed."""

    generation = models.PositiveIntegerField(default=0)
    renewed_at = models.DateTimeField(default=timezone.now)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(is_only=True), name="one_bounce_address")]

    def __str__(self) -> str:
        return f"{self.generation}"


class Delivery(models.Model):
    """A notification on its way out of the house, and what became of it."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="deliveries"
    )
    channel = models.CharField(_("by"), max_length=10, choices=Channel.choices)
    address = models.CharField(_("to"), max_length=254)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.QUEUED
    )
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    error = models.CharField(_("error"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    sent_at = models.DateTimeField(_("sent"), null=True)
    # Kept by a trigger (core.tracking).
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel"], name="one_delivery_a_way")
        ]
        indexes = [models.Index(fields=["created_at"], name="notification_delivery_age")]

    def __str__(self) -> str:
        return f"{self.channel} {self.address}"
