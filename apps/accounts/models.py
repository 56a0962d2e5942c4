"""People of a schema and the keys of programs. The same e-mail in two schemas is two people."""

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.providers.models import IdentityProvider
from apps.accounts.security.models import KnownBrowser, SignInPolicy
from apps.accounts.visits.models import Visit
from apps.core.models import Labelled, unique_external_id

__all__ = [
    "ApiKey",
    "IdentityProvider",
    "Invitation",
    "KnownBrowser",
    "Membership",
    "Role",
    "ServiceAccount",
    "SignInPolicy",
    "UsedHandOff",
    "User",
    "UserManager",
    "Visit",
]


class UserManager(BaseUserManager["User"]):
    """Makes users by e-mail."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """E-mail addresses are compared without case."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person; without a password they come in by hand-off or reset only."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who may do everything in this schema."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin, Labelled):
    """A person in one schema."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    # Always lower case, so that unique means without case.
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    # A code of settings.LANGUAGES; empty: that of the level, else of the browser.
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    # A name of the time zone database; empty: that of the level.
    time_zone = models.CharField(
        _("time zone"), max_length=60, blank=True, default="", db_default=""
    )
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    # The operator-level user who comes here by hand-off.
    identity = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    # When the platform last said that they belong here; a local sign-in does not move it.
    vouched_at = models.DateTimeField(null=True, editable=False)
    # Switched off because the platform said so then; a later hand-off lets them in again.
    off_by_platform_at = models.DateTimeField(null=True, editable=False)
    # When the platform last had their sessions ended here; a hand-off of before lets nobody in.
    signed_out_at = models.DateTimeField(null=True, editable=False)
    # Stands for somebody of the operator while they help here, and is nobody otherwise.
    is_visitor = models.BooleanField(default=False, db_default=False, editable=False)
    date_joined = models.DateTimeField(default=timezone.now)

    # The support visit that this request is a part of; what they may do comes from it alone.
    visit: "Visit | None" = None

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="email_lower_case"),
            unique_external_id("person"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """What a visitor is for the length of a request is never kept."""
        if self.visit is not None:
            raise PermissionDenied
        super().save(*args, **kwargs)

    def get_short_name(self) -> str:
        """What to call them."""
        return self.name or self.email.partition("@")[0]

    def get_full_name(self) -> str:
        """Their name, or their address."""
        return str(self)


class Role(Labelled):
    """A role of the schema's own: a name and the permissions that were ticked."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)
    # Keys of apps.core.permissions.Permission; one that no app declares any more grants nothing.
    permissions = models.JSONField(_("permissions"), default=list, blank=True)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["name"]
        constraints = [unique_external_id("role")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """The role of a person of the staff; owners need none."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="membership")
    # A built-in role by its key, or one of the schema's own.
    role = models.CharField(max_length=20, blank=True)
    own_role = models.ForeignKey(
        Role, on_delete=models.PROTECT, null=True, blank=True, related_name="memberships"
    )
    # [{"type": "instance", "id": …}]; empty is all.
    limits = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role="", own_role__isnull=False)
                | (~Q(role="") & Q(own_role__isnull=True)),
                name="one_role",
            )
        ]


class Invitation(models.Model):
    """A role offered to whoever reads the mails of an address; good once, until it expires."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    email = models.EmailField(_("e-mail"))
    # As members.role_of says it.
    role = models.CharField(_("role"), max_length=40)
    limits = models.JSONField(default=list, blank=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # A person, or a program: one of the two.
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, editable=False)
    invited_by_program = models.ForeignKey(
        "ServiceAccount", on_delete=models.CASCADE, null=True, editable=False
    )
    # Those of the key that the program showed; when it is accepted no more counts.
    scopes = models.JSONField(default=list, db_default=[], editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["email"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_lower_case"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def inviter(self) -> str:
        """Who invited."""
        return str(self.invited_by or self.invited_by_program)


class UsedHandOff(models.Model):
    """The id of a hand-off that signed somebody in here; kept until it would expire anyway."""

    jti = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()


class ServiceAccount(Labelled):
    """A program that may something here: it has a role and limits like a member, and keys."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80, unique=True)
    description = models.CharField(_("what it does"), max_length=300, blank=True)
    # “owner”, a built-in role by its key, or one of the schema's own.
    role = models.CharField(max_length=20, blank=True)
    own_role = models.ForeignKey(
        Role, on_delete=models.PROTECT, null=True, blank=True, related_name="service_accounts"
    )
    # As those of a membership.
    limits = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    # It lives on without its maker; whose maker has left is shown.
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("service account")
        verbose_name_plural = _("service accounts")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role="", own_role__isnull=False)
                | (~Q(role="") & Q(own_role__isnull=True)),
                name="one_role_of_account",
            ),
            unique_external_id("service_account"),
        ]

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A key of a service account: a prefix to find it, and the SHA-256 of the rest."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    # Null in the database alone, for what the release before wrote during a change of releases:
    # such a key opens nothing.
    account: "models.ForeignKey[ServiceAccount, ServiceAccount]" = models.ForeignKey(  # type: ignore[misc]
        ServiceAccount, on_delete=models.CASCADE, null=True, related_name="keys"
    )
    name = models.CharField(_("name"), max_length=80)
    # What it may of what its account may (apps.accounts.scopes).
    scopes = models.JSONField(_("scopes"), default=list)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    # None: it never expires.
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, editable=False)
    # The key that took its place, until when both are good.
    replaced_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    last_used_ip = models.CharField(
        _("from"), max_length=45, blank=True, default="", db_default="", editable=False
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_usable(self) -> bool:
        """Whether it is neither revoked nor expired; its account may be off."""
        is_late = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not is_late
