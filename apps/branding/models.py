"""The brand of a schema, and its pictures, which move with it."""

from uuid import uuid4

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Picture(models.Model):
    """A logo that was checked and written anew (branding.pictures).

    Kept when another one takes its place: mails that were sent show it.
    """

    digest = models.CharField(max_length=64, unique=True)
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    content = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.media_type} {self.digest[:12]}"


class Brand(models.Model):
    """How this level looks and in whose name it writes; one row, made when it is first saved."""

    name = models.CharField(_("name"), max_length=60, blank=True)
    primary = models.CharField(
        _("colour"), max_length=7, blank=True, validators=[RegexValidator(r"^#[0-9a-f]{6}\Z")]
    )
    logo = models.ForeignKey(Picture, on_delete=models.PROTECT, null=True, related_name="+")
    logo_dark = models.ForeignKey(Picture, on_delete=models.PROTECT, null=True, related_name="+")
    sender_name = models.CharField(_("sender"), max_length=60, blank=True)
    footer = models.CharField(_("footer"), max_length=300, blank=True)
    support_email = models.EmailField(_("support e-mail"), blank=True)
    support_phone = models.CharField(_("support telephone"), max_length=40, blank=True)
    support_hours = models.CharField(_("support hours"), max_length=80, blank=True)
    # Of whoever chose none; empty: the browser says.
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    # Of whoever chose none; empty: the one the organisation signed up with (looks.zone_source).
    time_zone = models.CharField(
        _("time zone"), max_length=60, blank=True, default="", db_default=""
    )
    # Grows with every save, so that two people do not overwrite each other.
    version = models.PositiveIntegerField(default=0)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True)

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brand")
        constraints = [models.CheckConstraint(condition=Q(is_only=True), name="one_brand")]

    def __str__(self) -> str:
        return self.name or "Brand"


class Sender(models.Model):
    """The address that mails are from and its own mail server; one row (branding.senders)."""

    class Security(models.TextChoices):
        STARTTLS = "starttls", _("STARTTLS (587)")
        TLS = "tls", _("TLS (465)")
        NONE = "none", _("none")

    address = models.EmailField(blank=True)
    dkim_selector = models.CharField(max_length=60, blank=True)
    host = models.CharField(max_length=200, blank=True)
    port = models.PositiveIntegerField(default=587)
    security = models.CharField(max_length=10, choices=Security.choices, default=Security.STARTTLS)
    username = models.CharField(max_length=200, blank=True)
    # Encrypted.
    password = models.TextField(blank=True, editable=False)
    # IP addresses from which its mails leave, where the owner knows them (senders.addresses_of).
    sending_addresses = models.CharField(max_length=500, blank=True, default="", db_default="")
    is_on = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True)

    class Meta:
        verbose_name = _("sender")
        verbose_name_plural = _("sender")
        constraints = [models.CheckConstraint(condition=Q(is_only=True), name="one_sender")]

    def __str__(self) -> str:
        return self.address


class DomainState(models.Model):
    """What the DNS said of the domain that mails are from; one row (branding.domain_state)."""

    # About what was asked: of another domain it says nothing.
    domain = models.CharField(max_length=254, blank=True)
    selector = models.CharField(max_length=60, blank=True)
    addresses = models.JSONField(default=list)
    # The records, by "TXT acme.example": read anew in the language of whoever looks.
    answers = models.JSONField(default=dict)
    # How each check came out last, by its name; a check without an answer keeps its own.
    tones = models.JSONField(default=dict)
    # When every question was answered, and since when some are not.
    checked_at = models.DateTimeField(null=True)
    silent_since = models.DateTimeField(null=True)
    # When people were told that something is wrong, which has not ended.
    told_at = models.DateTimeField(null=True)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(is_only=True), name="one_domain_state")]

    def __str__(self) -> str:
        return self.domain


class MailDay(models.Model):
    """How many mails left in a day, and how far owners were told of it (branding.quota)."""

    day = models.DateField(unique=True)
    sent = models.PositiveIntegerField(default=0)
    security = models.PositiveIntegerField(default=0)
    # Percents of the bound.
    warned = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.day}"


class PostedMail(models.Model):
    """A mail that waits for a worker (branding.post); gone once it is sent or given up."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    # Encrypted: to whom, and all that it says.
    sealed = models.TextField()
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.uuid)
