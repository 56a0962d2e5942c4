"""The identity providers of a schema."""

from uuid import uuid4

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

GOOGLE_ISSUER = "https://accounts.google.com"


class IdentityProvider(models.Model):
    """Where people of a schema sign in elsewhere, and whom of them to believe."""

    class Kind(models.TextChoices):
        GOOGLE = "google", _("Google")
        MICROSOFT = "microsoft", _("Microsoft")
        GITHUB = "github", _("GitHub")
        OIDC = "oidc", _("OpenID Connect (Keycloak and others)")
        SAML = "saml", _("SAML 2.0")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    # In addresses and in the accounts that people linked, so it never changes.
    key = models.CharField(
        _("key"),
        max_length=30,
        unique=True,
        validators=[RegexValidator(r"^[a-z0-9]+(?:-[a-z0-9]+)*\Z")],
        help_text=_("A short word in the address that the provider returns to, as “office”."),
    )
    name = models.CharField(_("name"), max_length=40, help_text=_("What the button says."))
    # Of SAML it is the key.
    client_id = models.CharField(_("client ID"), max_length=191, blank=True)
    # Encrypted (providers.secrets).
    secret = models.TextField(editable=False)
    issuer = models.URLField(
        _("issuer"),
        blank=True,
        help_text=_(
            "Where /.well-known/openid-configuration is found, as"
            " https://sso.example.net/realms/office. Not needed for Google and GitHub."
        ),
    )
    # With defaults of the database: the release before writes rows without these.
    metadata_url = models.URLField(
        _("metadata address"),
        blank=True,
        default="",
        db_default="",
        help_text=_("SAML only: where the identity provider publishes its metadata; read daily."),
    )
    metadata = models.TextField(
        _("metadata"),
        blank=True,
        default="",
        db_default="",
        help_text=_("SAML only: the XML itself, where there is no address for it."),
    )
    metadata_error = models.CharField(
        max_length=300, blank=True, editable=False, default="", db_default=""
    )
    domains = models.JSONField(default=list, blank=True)
    creates_people = models.BooleanField(_("let unknown people in"), default=False)
    is_on = models.BooleanField(_("switched on"), default=True)
    # A trigger's (apps.core.tracking). Its metadata are those of SAML, so that it has no labels.
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("identity provider")
        verbose_name_plural = _("identity providers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def vouches_for(self, email: str) -> bool:
        """Whether the owner trusts this provider to say whose an address is."""
        return email.rpartition("@")[2].lower() in self.domains

    def admits(self, email: str) -> bool:
        """Whether people with this address may come from there at all."""
        return not self.domains or self.vouches_for(email)
