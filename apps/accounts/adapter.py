"""How allauth works in each kind of schema."""

from typing import Any, NamedTuple

from allauth.account.adapter import DefaultAccountAdapter
from django.db import connection, transaction
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.addresses import host_of, host_url, platform_url
from apps.accounts.constants import SIGN_UP
from apps.accounts.models import User
from apps.events import services as events
from apps.events.actors import user_actor
from apps.tenancy.kinds import CONSOLE, PUBLIC, WORKSPACE, kind_of

# The page itself says these, or it is plain to see.
_UNSAID = {"account/messages/logged_in.txt", "account/messages/email_confirmation_sent.txt"}


class _Site(NamedTuple):
    """Who writes a mail, as its template names it."""

    name: str
    domain: str


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth in the current schema: who may sign up, and where each step leads."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """At the operator only: consoles are entered by hand-off, workspaces make their users."""
        return _kind() == PUBLIC

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Save who signed up, with the event that tells of it."""
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit)
            if commit:
                events.record("user.signed_up", actor=user_actor(saved), subject=saved)
        return saved

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin the session, with the event that tells of it."""
        super().login(request, user)
        by = {"by": "password"}
        events.record("user.signed_in", actor=user_actor(user), subject=user, data=by)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The operator chooses among organisations; elsewhere staff go to the admin."""
        if _kind() == PUBLIC:
            return reverse("organisations_open")
        return "/admin/" if getattr(request.user, "is_staff", False) else "/"

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """The front of the host; a console has none of its own."""
        return platform_url() if _kind() == CONSOLE else "/"

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        """On with the sign-up that this browser began, otherwise to the log-in."""
        if _kind() == PUBLIC and SIGN_UP in self.request.session:
            return reverse("signup")
        if self.request.user.is_authenticated:
            return self.get_login_redirect_url(self.request)
        return reverse("account_login")

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """The link in a confirmation mail, at the address that people reach."""
        return _absolute(request, reverse("account_confirm_email", args=[emailconfirmation.key]))

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link in a password mail; the port and scheme of the request are not believed."""
        pattern = reverse("account_reset_password_from_key", kwargs={"uidb36": "0", "key": "key"})
        return _absolute(self.request, pattern.replace("0-key", key))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mails name the brand, not the host and its port."""
        site = _Site(_brand(self.request), _absolute(self.request, "/"))
        super().send_mail(template_prefix, email, {**context, "current_site": site})

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Say only what the page does not."""
        template = args[0] if args else kwargs.get("message_template")
        if template not in _UNSAID:
            super().add_message(request, level, *args, **kwargs)


def _brand(request: HttpRequest) -> str:
    tenant = getattr(request, "tenant", None)
    return str(tenant.name) if tenant is not None and _kind() != PUBLIC else "DotMac"


def _kind() -> str:
    return kind_of(connection.schema_name)  # type: ignore[attr-defined]


def _absolute(request: HttpRequest, path: str) -> str:
    return host_url(host_of(request), path, is_workspace=_kind() == WORKSPACE)
