"""How allauth works in each kind of schema."""

from typing import Any, NamedTuple

from allauth.account.adapter import DefaultAccountAdapter
from django.db import connection, transaction
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.addresses import host_of, host_url, platform_url
from apps.accounts.constants import SIGN_UP
from apps.accounts.languages import note_language
from apps.accounts.models import User
from apps.accounts.security.alerts import alert_of_new_browser
from apps.accounts.security.methods import PASSKEY, PASSWORD, PROVIDER, methods_of
from apps.accounts.security.sessions import client_ip, revoke_everywhere
from apps.accounts.security.surges import give_try_back, note_failure, take_try
from apps.accounts.zones import writing_to_address
from apps.branding.looks import look_in_force
from apps.branding.mail import Letter, write_letter
from apps.branding.post import post
from apps.events import services as events
from apps.events.actors import SYSTEM, user_actor
from apps.tenancy.kinds import CONSOLE, PUBLIC, WORKSPACE, kind_of

# The page itself says these, or it is plain to see.
_UNSAID = {
    "account/messages/logged_in.txt",
    "account/messages/email_confirmation_sent.txt",
    "mfa/messages/recovery_codes_generated.txt",
}


class _Site(NamedTuple):
    """Who writes a mail, as its template names it."""

    name: str
    domain: str


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth in the current schema: who may sign up, and where each step leads."""

    @property
    def brand(self) -> str:
        """Whose pages and mails these are."""
        return look_in_force().name

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """At the operator only: consoles are entered by hand-off, workspaces make their users."""
        return _kind() == PUBLIC

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Save who signed up, with the event that tells of it."""
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit)
            if commit:
                note_language(saved)
                events.record("user.signed_up", actor=user_actor(saved), subject=saved)
        return saved

    def login(self, request: HttpRequest, user: User) -> None:
        """Begin the session, with the event that tells of it, and a mail when it is unusual."""
        super().login(request, user)
        note_language(user)
        methods = methods_of(request)
        data = {"by": _way_in(methods), "methods": methods, "ip": client_ip(request)}
        events.record("user.signed_in", actor=user_actor(user), subject=user, data=data)
        alert_of_new_browser(request, user)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse one try too many, of an account, of an address, or in a surge of a network."""
        super().pre_authenticate(request, **credentials)
        if not take_try(request, credentials.get("email", "")):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Who it is, if the password is right; then the try counts for nothing."""
        user = super().authenticate(request, **credentials)
        if user is not None:
            give_try_back(request)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record it for whom it concerns. What was typed is not kept: it may be a password."""
        note_failure()
        user = User.objects.filter(email__iexact=credentials.get("email", "")).first()
        if user is not None:
            data = {"by": PASSWORD, "ip": client_ip(request)}
            events.record("user.sign_in_failed", actor=SYSTEM, subject=user, data=data)

    def set_password(self, user: User, password: str) -> None:
        """Save a chosen password, and end every session but the one that chose it.

        Of the operator's people also those in consoles and workspaces.
        """
        request, is_self = self.request, self.request.user == user
        keep = request.session.session_key if is_self else None
        with transaction.atomic():
            revoke_everywhere(user, keep=keep, actor=user_actor(user))
            super().set_password(user, password)
            data = {"by": "change" if is_self else "reset", "ip": client_ip(request)}
            events.record("user.password_changed", actor=user_actor(user), subject=user, data=data)

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
        """A worker sends it: a sign-in does not wait for a mail server."""
        post(self.write(template_prefix, email, context), to=[email])

    def write(self, template_prefix: str, email: str, context: dict[str, Any]) -> Letter:
        """Mails name the brand, not the host and its port."""
        site = _Site(look_in_force().name, _absolute(self.request, "/"))
        known = {"request": self.request, "email": email, **context, "current_site": site}
        with writing_to_address(email):
            return write_letter(template_prefix, known, look=look_in_force(), home_url=site.domain)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell of a change, if it is committed."""
        more = {"security_url": self.absolute_url(reverse("account_security")), **(context or {})}
        super().send_notification_mail(template_prefix, user, context=more, email=email)

    def absolute_url(self, path: str) -> str:
        """A page of this host at the address that people reach."""
        return _absolute(self.request, path)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Attempts are counted for each account of a schema, whatever name its host is called.

        allauth counts for each spelling of the host: every port would give another five. The
        cache's own key holds the schema.
        """
        return f"account:{str(credentials.get('email', '')).strip().lower()}"

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Say only what the page does not."""
        template = args[0] if args else kwargs.get("message_template")
        if template not in _UNSAID:
            super().add_message(request, level, *args, **kwargs)


def _way_in(methods: tuple[str, ...]) -> str:
    """What stood first: a password, a passkey alone, or an identity provider."""
    if PASSWORD in methods:
        return "password"
    if PROVIDER in methods:
        return "provider"
    return "passkey" if PASSKEY in methods else "link"


def _kind() -> str:
    return kind_of(connection.schema_name)  # type: ignore[attr-defined]


def _absolute(request: HttpRequest, path: str) -> str:
    return host_url(host_of(request), path, is_workspace=_kind() == WORKSPACE)
