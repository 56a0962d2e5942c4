"""What opens something by a text in its address, and how such a link is made at Acme."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from allauth.account.app_settings import PASSWORD_RESET_TOKEN_GENERATOR
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from allauth.usersessions.models import UserSession
from django.http import HttpResponse
from django.utils import timezone

from apps.accounts import hand_off
from apps.accounts.invitations import invite
from apps.accounts.models import User
from apps.accounts.security.sessions import end_token
from apps.notifications.suppression import bounce_token
from apps.tenancy.kinds import operator
from apps.tenants.models import Impersonation
from tests.accessibility.world import OWNER
from tests.conftest import ACME

_SECRET, _STATE = hand_off.new_state()
# The cookie of the browser that a hand-off is bound to: Mallory's has it at every host.
COOKIES = {hand_off.cookie_name(_STATE, is_secure=False): _SECRET}
FOREVER = timedelta(days=10_000)


@dataclass(frozen=True)
class Link:
    """How a link of Acme's workspace is made, how one sees that it opened, and when it does not."""

    make: Callable[[], str]
    is_open: Callable[[HttpResponse], bool]
    method: str = "GET"
    # Of the others a second use changes nothing more: what they end or confirm is so already.
    is_for_once: bool = False
    lasts: timedelta = timedelta(days=7)


def _person() -> User:
    known = User.objects.filter(pk=777).first()
    return known or User.objects.create_user("mallory@example.net", pk=777)


def twin() -> None:
    """Rows of the same numbers at the other ISP, which a link that names numbers could mean."""
    user = _person()
    EmailAddress.objects.get_or_create(pk=777, user=user, email=user.email)
    UserSession.objects.get_or_create(
        pk=777, defaults={"user": user, "session_key": uuid4().hex, "ip": "127.0.0.1"}
    )


def _confirmation() -> str:
    twin()
    return f"/accounts/confirm-email/{EmailConfirmationHMAC(EmailAddress.objects.get(pk=777)).key}/"


def _end_session() -> str:
    twin()
    return f"/accounts/security/end/{end_token(UserSession.objects.get(pk=777))}/"


def _reset() -> str:
    token = PASSWORD_RESET_TOKEN_GENERATOR().make_token(_person())
    return f"/accounts/password/reset/key/{user_pk_to_url_str(_person())}-{token}/"


def _invitation() -> str:
    owner = User.objects.get(email=OWNER)
    _row, token = invite(email="fresh@example.net", role="viewer", by=owner)
    return f"/accounts/invitation/{token.reveal()}/"


def _hand_off() -> str:
    with operator():
        person = User.objects.get(email=OWNER)
    token = hand_off.issue(
        person, host=ACME.workspace_host, state=_STATE, role="owner", next_path="/admin/"
    )
    return f"/sso/enter/?token={token}"


def _visit() -> str:
    with operator():
        visit, person = Impersonation.objects.latest("pk"), User.objects.get(email=OWNER)
    token = hand_off.issue_visit(
        person,
        visit=visit.uuid,
        reason=visit.reason,
        expires_at=timezone.now() + timedelta(minutes=10),
        host=ACME.workspace_host,
        state=_STATE,
        next_path="/admin/",
    )
    return f"/sso/visit/?token={token}"


def _bounces() -> str:
    return f"/notifications/bounces/{bounce_token()}/"


def _is_read(answer: HttpResponse) -> bool:
    return answer.status_code == 400


def _leads_on(answer: HttpResponse) -> bool:
    return answer.status_code == 302


def _is_shown(answer: HttpResponse) -> bool:
    return answer.status_code == 200


def _has_confirmed(answer: HttpResponse) -> bool:
    return EmailAddress.objects.get(pk=777).verified


def _has_ended(answer: HttpResponse) -> bool:
    return not UserSession.objects.filter(pk=777).exists()


_MINUTES = timedelta(minutes=2)
LINKS: dict[str, Link] = {
    "account_confirm_email": Link(_confirmation, _has_confirmed, lasts=timedelta(days=3)),
    "account_end_session": Link(_end_session, _has_ended, method="POST"),
    "account_reset_password_from_key": Link(_reset, _leads_on, lasts=timedelta(days=3)),
    "account_invitation": Link(_invitation, _is_shown),
    "sso_enter": Link(_hand_off, _leads_on, is_for_once=True, lasts=_MINUTES),
    "sso_visit": Link(_visit, _leads_on, is_for_once=True, lasts=_MINUTES),
    # A report that is empty gets as far as being read. A provider's address has no end.
    "notification_bounces": Link(_bounces, _is_read, method="POST", lasts=FOREVER),
}
# Open by a text that no link of ours carries, or at one host alone; and the tests of each.
ELSEWHERE: dict[str, str] = {
    "grant": "tests/contract/test_grants.py",
    "organisation_invitation": "tests/accounts/test_invitations.py",
    "idp:oidc:authorization": "tests/idp",
    "idp:oidc:token": "tests/idp",
    "idp:oidc:userinfo": "tests/idp",
    "idp:oidc:revoke": "tests/idp",
    "openid_connect_login": "tests/accounts/test_identity_providers.py",
    "openid_connect_callback": "tests/accounts/test_identity_providers.py",
    "github_login": "tests/accounts/test_identity_providers.py",
    "github_callback": "tests/accounts/test_identity_providers.py",
    "saml_login": "tests/accounts/test_saml.py",
    "saml_acs": "tests/accounts/test_saml.py",
    "saml_finish": "tests/accounts/test_saml.py",
}
# Show everybody the same, or ask who one is.
FOR_EVERYBODY = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_email_verification_sent",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key_done",
    "account_set_password",
    "account_signup",
    "admin:jsi18n",
    "admin:login",
    "admin:logout",
    "api_docs",
    "api_errors",
    "brand_colours",
    "brand_logo",
    "brand_mark",
    "front",
    "home",
    "idp:oidc:configuration",
    "idp:oidc:jwks",
    "mail",
    "mail_html",
    "mail_sample",
    "mail_samples",
    "mailbox",
    "no_such_resource",
    "saml_metadata",
    "schema",
    "set_language",
    "signup",
    "signup_account",
    "signup_organisation",
    "signup_place",
    "signup_place_defaults",
    "signup_plan",
    "signup_resend",
    "signup_slug_check",
    "signup_verify",
    "signup_verify_check",
    "socialaccount_login_cancelled",
    "sso_login",
}
