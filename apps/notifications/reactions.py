"""What people are told about their own account, and owners about programs.

The mail about a sign-in is a matter of accounts.
"""

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import who_may
from apps.accounts.models import ServiceAccount, User
from apps.accounts.security.surges import SURGE
from apps.branding.domain_state import RECOVERED, WORSENED
from apps.branding.quota import REACHED
from apps.events import services as events
from apps.events.models import Event
from apps.notifications.constants import INBOX, INFO, WARNING
from apps.notifications.registry import Kind, register
from apps.notifications.services import notify, tell
from apps.tenancy.kinds import CONSOLE, PUBLIC, WORKSPACE, current_schema, kind_of

_POLICY = "admin:accounts_signinpolicy_changelist"
NEW_BROWSER = register(
    Kind(
        "account.new_browser",
        title=_("Somebody signs in as you from a new browser"),
        heading=_("New sign-in from %(browser)s"),
        body=_("Its address is %(ip)s. Not you? End that session, then choose a new password."),
        tone="warn",
        for_staff=False,
        channels=frozenset({INBOX}),
        offered=frozenset({INBOX}),
    )
)
QUOTA = register(
    Kind(
        "mail_quota.reached",
        title=_("The day’s quota of mails is nearly or all used"),
        heading=_("%(percent)s %% of today’s mails are used"),
        body=_("%(sent)s of %(limit)s. Above that, mails wait for tomorrow; sign-in mails do not."),
        tone="warn",
        channels=frozenset({INBOX}),
        offered=frozenset({INBOX}),
        severity=WARNING,
    )
)
DOMAIN_RECOVERED = register(
    Kind(
        "mail_domain.recovered",
        title=_("SPF, DKIM and DMARC are in order again"),
        heading=_("SPF, DKIM and DMARC of %(domain)s are in order again"),
        tone="ok",
        channels=frozenset({INBOX}),
        resolves="mail_domain.worsened",
    )
)
DOMAIN_WORSENED = register(
    Kind(
        "mail_domain.worsened",
        title=_("SPF, DKIM or DMARC of your mails became worse"),
        heading=_("What the DNS says of %(domain)s became worse"),
        body=_(
            "It concerns %(checks)s. “Sender” says what to enter. Until then receivers may refuse"
            " your mails, or take them for spam."
        ),
        tone="bad",
        severity=WARNING,
    )
)
SURGE_OF_FAILURES = register(
    Kind(
        SURGE,
        title=_("Many sign-ins fail"),
        heading=_("%(count)s sign-ins failed within %(minutes)s minutes"),
        body=_(
            "Somebody may be trying passwords that were stolen elsewhere. Each network has few"
            " tries until it is over. Demand a second factor: then a password alone opens nothing."
        ),
        tone="bad",
        severity=WARNING,
    )
)
SUPPORT_VISIT = register(
    Kind(
        "support.visit",
        title=_("Somebody of DotMac is here as support"),
        heading=_("%(by)s of DotMac is here as support"),
        body=_("Reason: %(reason)s. The visit ends by itself; the record has all they do."),
        tone="warn",
        levels=frozenset({CONSOLE, WORKSPACE}),
    )
)


@events.reacts_to("impersonation.started")
def _tell_of_support_visit(event: Event) -> None:
    """The owners of the ISP; the operator's own know it from their record."""
    if kind_of(current_schema()) != PUBLIC:
        owners = User.objects.filter(is_superuser=True, is_active=True)
        notify(SUPPORT_VISIT, owners, key=str(event.uuid), data=event.data, url="/admin/")


KEY_ENDS = register(
    Kind(
        "api_key.ends",
        title=_("An API key ends soon"),
        heading=_("The key %(name)s of %(account)s ends on %(date)s"),
        body=_("Replace it before: then the program that uses it goes on without a gap."),
        tone="warn",
        severity=INFO,
    )
)
KEYS_STAY = register(
    Kind(
        "api_key.maker_left",
        title=_("Somebody who made API keys is switched off or has another role"),
        heading=_("API keys that %(person)s made go on"),
        body=_("They belong to: %(accounts)s. Replace or revoke those that %(person)s may know."),
        tone="warn",
    )
)


@events.reacts_to("user.new_browser")
def _tell_of_new_browser(event: Event) -> None:
    people = User.objects.filter(uuid=event.subject_id)
    url = reverse("account_security")
    notify(NEW_BROWSER, people, key=str(event.uuid), data=event.data, url=url)


@events.reacts_to(REACHED)
def _tell_of_quota(event: Event) -> None:
    owners = User.objects.filter(is_active=True, is_superuser=True)
    tell(QUOTA, event, people=owners, url=reverse("admin:branding_sender_changelist"))


@events.reacts_to(WORSENED, RECOVERED)
def _tell_of_domain(event: Event) -> None:
    kind = DOMAIN_WORSENED if event.type == WORSENED else DOMAIN_RECOVERED
    url = reverse("admin:branding_sender_changelist")
    tell(kind, event, people=who_may("mail.manage"), url=url)


@events.reacts_to(SURGE)
def _tell_of_surge(event: Event) -> None:
    tell(SURGE_OF_FAILURES, event, people=_owners(), url=reverse(_POLICY))


@events.reacts_to("api_key.expires_soon")
def _tell_of_end(event: Event) -> None:
    url = reverse("admin:accounts_apikey_change", args=[event.data["id"]])
    notify(KEY_ENDS, _owners(), key=str(event.uuid), data=event.data, url=url)


@events.reacts_to("user.deactivated", "user.role_changed")
def _tell_of_keys(event: Event) -> None:
    accounts = ServiceAccount.objects.filter(
        keys__created_by__uuid=event.subject_id, keys__revoked_at=None, is_active=True
    )
    names = sorted(set(accounts.values_list("name", flat=True)))
    if names:
        data = {"person": event.subject_label, "accounts": ", ".join(names)}
        url = reverse("admin:accounts_apikey_changelist")
        notify(KEYS_STAY, _owners(), key=str(event.uuid), data=data, url=url)


def _owners() -> QuerySet[User]:
    return User.objects.filter(is_superuser=True, is_active=True)
