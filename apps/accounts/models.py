"""People of a schema and the keys of programs. The same e-mail in two schemas is two people."""

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.providers.models import IdentityProvider
from apps.accounts.security.models import KnownBrowser, SignInPolicy

__all__ = [
    "ApiKey",
    "IdentityProvider",
    "Invitation",
    "KnownBrowser",
    "Membership",
    "Role",
    "SignInPolicy",
    "UsedHandOff",
    "User",
    "UserManager",
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


class User(AbstractBaseUser, PermissionsMixin):
    """A person in one schema."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    # Always lower case, so that unique means without case.
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    # A code of settings.LANGUAGES; empty: that of the level, else of the browser.
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    # The operator-level user who comes here by hand-off.
    identity = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="email_lower_case")
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        """What to call them."""
        return self.name or self.email.partition("@")[0]

    def get_full_name(self) -> str:
        """Their name, or their address."""
        return str(self)


class Role(models.Model):
    """A role of the schema's own: a name and the permissions that were ticked."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)
    # Keys of apps.core.permissions.Permission; one that no app declares any more grants nothing.
    permissions = models.JSONField(_("permissions"), default=list, blank=True)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering = ["name"]

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
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, editable=False)
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


class UsedHandOff(models.Model):
    """The id of a hand-off that signed somebody in here; kept until it would expire anyway."""

    jti = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField()


class ApiKey(models.Model):
    """A program's key: a prefix to find it, and the SHA-256 of the rest."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
