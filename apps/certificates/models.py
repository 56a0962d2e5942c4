"""Certificates from an authority that speaks ACME, the account they come by, and their history."""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.certificates.constants import LETS_ENCRYPT, STAGING
from dotmac.acme import DNS, HTTP
from dotmac.dns import ALGORITHMS


class AcmeAccount(models.Model):
    """The authority, the account there, and the server of our zones; one row (accounts)."""

    class Authority(models.TextChoices):
        LETS_ENCRYPT = "letsencrypt", "Let’s Encrypt"
        STAGING = "staging", _("Let’s Encrypt, staging (for trying; no browser trusts it)")
        OWN = "own", _("Another, by its directory’s address")

    class DnsKind(models.TextChoices):
        NONE = "", _("None: names are proved over HTTP, without wildcards")
        RFC2136 = "rfc2136", _("Dynamic updates with a key (RFC 2136: BIND, Knot, PowerDNS …)")
        POWERDNS = "powerdns", _("The API of PowerDNS")

    DIRECTORIES = {Authority.LETS_ENCRYPT: LETS_ENCRYPT, Authority.STAGING: STAGING}

    authority = models.CharField(
        max_length=12, choices=Authority.choices, default=Authority.LETS_ENCRYPT
    )
    own_directory = models.URLField(max_length=300, blank=True)
    email = models.EmailField(blank=True)
    # What was accepted, and when; an authority whose terms nobody accepted is asked for nothing.
    terms_url = models.CharField(max_length=300, blank=True)
    terms_accepted_at = models.DateTimeField(null=True)
    binding_key_id = models.CharField(max_length=200, blank=True)
    # Encrypted, as the two keys below.
    binding_key = models.TextField(blank=True, editable=False)
    # Of an own authority, in PEM; empty: the public ones.
    roots = models.TextField(blank=True)
    preferred_chain = models.CharField(max_length=100, blank=True)
    key = models.TextField(blank=True, editable=False)
    # At the authority; empty until it is registered.
    account_url = models.CharField(max_length=500, blank=True, editable=False)
    # The authority asked to be left alone until then.
    paused_until = models.DateTimeField(null=True, editable=False)
    dns_kind = models.CharField(
        max_length=10, choices=DnsKind.choices, blank=True, default=DnsKind.NONE
    )
    # Host and port, or the address of the API.
    dns_server = models.CharField(max_length=300, blank=True)
    dns_key_name = models.CharField(max_length=200, blank=True)
    dns_algorithm = models.CharField(
        max_length=20, choices=[(one, one) for one in ALGORITHMS], default=ALGORITHMS[0]
    )
    dns_secret = models.TextField(blank=True, editable=False)
    # Asked whether a record is there, with commas between; empty: those of the zone.
    dns_nameservers = models.CharField(max_length=300, blank=True)
    is_on = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0)
    # The row's only possible key.
    is_only = models.BooleanField(default=True, unique=True)

    class Meta:
        verbose_name = _("certificate authority")
        verbose_name_plural = _("certificate authority")
        constraints = [models.CheckConstraint(condition=Q(is_only=True), name="one_acme_account")]

    def __str__(self) -> str:
        return str(self.get_authority_display())

    @property
    def directory(self) -> str:
        """The address of the authority's directory."""
        return self.DIRECTORIES.get(self.Authority(self.authority), self.own_directory)

    @property
    def nameservers(self) -> list[str]:
        """The servers that are asked whether a record is there."""
        return self.dns_nameservers.replace(",", " ").split()


class Certificate(models.Model):
    """A certificate for some hostnames: wanted, ordered, valid, renewed.

    What the edges serve of it is the fleet's row of the same name, with its key.
    """

    class Status(models.TextChoices):
        WANTED = "wanted", _("Wanted")
        ORDERING = "ordering", _("Being ordered")
        VALID = "valid", _("Valid")
        RENEWING = "renewing", _("Being renewed")
        FAILED = "failed", _("Failed, is tried again")
        ENDED = "ended", _("Not needed any more")

    class Challenge(models.TextChoices):
        HTTP = HTTP, _("over HTTP (HTTP-01)")
        DNS = DNS, _("by DNS (DNS-01)")

    BUSY = (Status.ORDERING, Status.RENEWING)

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=253, unique=True)
    hostnames = models.JSONField(_("hostnames"), default=list)
    challenge = models.CharField(_("proved"), max_length=10, choices=Challenge.choices)
    status = models.CharField(
        _("state"), max_length=10, choices=Status.choices, default=Status.WANTED
    )
    # The order that goes on, and the key it is for, encrypted: whoever comes next goes on with it.
    order_url = models.CharField(max_length=500, blank=True, editable=False)
    order_key = models.TextField(blank=True, editable=False)
    issuer = models.CharField(_("issuer"), max_length=200, blank=True)
    starts_at = models.DateTimeField(_("valid from"), null=True)
    expires_at = models.DateTimeField(_("ends"), null=True)
    renew_at = models.DateTimeField(_("next renewal"), null=True)
    # When a worker looks at it next.
    next_at = models.DateTimeField(_("next look"), null=True, default=timezone.now)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    last_error_at = models.DateTimeField(null=True)
    # Whether the failures were told.
    is_told = models.BooleanField(default=False, editable=False)
    # Somebody asked for the present one to be revoked, for this reason (RFC 5280, 5.3.1).
    revoke_reason = models.PositiveSmallIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        ordering = ["name"]
        indexes = [
            models.Index(
                fields=["next_at"],
                name="certificate_next",
                condition=Q(next_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name


class IssuedCertificate(models.Model):
    """One that was issued: what it was, and whether it was revoked."""

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="issued")
    hostnames = models.JSONField(_("hostnames"), default=list)
    issuer = models.CharField(_("issuer"), max_length=200)
    serial = models.CharField(_("serial number"), max_length=64)
    fingerprint = models.CharField(max_length=64)
    # In PEM; public.
    chain = models.TextField()
    starts_at = models.DateTimeField(_("valid from"))
    expires_at = models.DateTimeField(_("ends"))
    issued_at = models.DateTimeField(_("issued"), default=timezone.now)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("issued certificate")
        verbose_name_plural = _("issued certificates")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["certificate", "fingerprint"], name="issued_once")
        ]

    def __str__(self) -> str:
        return self.serial


class ChallengeAnswer(models.Model):
    """What is published to prove a name, until the order is over.

    HTTP-01: `text` is answered for `token`. DNS-01: a TXT record of `name` has it.
    """

    certificate = models.ForeignKey(Certificate, on_delete=models.CASCADE, related_name="answers")
    kind = models.CharField(max_length=10, choices=Certificate.Challenge.choices)
    name = models.CharField(max_length=253)
    token = models.CharField(max_length=200, blank=True)
    text = models.CharField(max_length=400)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["certificate", "kind", "name", "text"], name="challenge_once"
            )
        ]
        indexes = [models.Index(fields=["token"], name="challenge_token")]

    def __str__(self) -> str:
        return self.name
