"""Every event of a change tells what was before and after, except of what is secret."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.accounts import members, service_accounts
from apps.accounts.labelling import set_labels
from apps.accounts.models import IdentityProvider, Role, ServiceAccount, User
from apps.accounts.providers.services import save_provider
from apps.accounts.security.policy import set_policy
from apps.accounts.services import rename_user
from apps.alerts.channels import create_channel, update_channel
from apps.backups.targets import TargetWords, save_target
from apps.billing import services as billing
from apps.billing.models import Plan
from apps.branding.senders import SenderWords, save_sender
from apps.branding.services import NewPictures, Words, save_brand
from apps.certificates.accounts import AccountSecrets, AccountWords, account_as_it_is, save_account
from apps.events.actors import SYSTEM
from apps.events.changes import changes_of
from apps.events.differences import differences, told_by
from apps.events.erasing import erase_person
from apps.events.models import Event
from apps.fleet.services import records
from apps.idp.services import PartyWords, save_party
from apps.notifications.gateways import Gateway, save_gateway
from apps.notifications.services import choose_for
from apps.subscribers import services as subscribers
from apps.tenancy.kinds import operator, schema_of
from apps.webhooks.services import create_endpoint, update_endpoint
from dotmac.crypto.secret import Secret
from tests.fleet.conftest import make_server

ROOT = Path(__file__).parents[2]
# An event of a change; a star stands for the name of a model.
CHANGES = re.compile(r"(\*|[a-z_]+)\.([a-z_]+_)?(changed|updated|labelled)")
SECRET = Secret("not-for-the-log-4711")
PUBLIC_URL = "https://93.184.215.14/"
BASE = TargetWords("directory", "/mnt/offsite", "", "", "", 7, 4, 10, is_on=False)
EXCEPTIONS = {
    "user.password_changed": "a password is in no log",
    "identity_provider.metadata_changed": "a document of another one, told by its digest",
    "instance.settings_changed": "needs an app that runs: tests/instances/test_settings.py",
}


def types_in(path: Path) -> Iterator[str]:
    """Types of events of changes that a module names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "*" for part in node.values]
            text = "".join(str(part) for part in parts)
        else:
            text = str(node.value) if isinstance(node, ast.Constant) else ""
        if CHANGES.fullmatch(text):
            yield text


FOUND = {found for path in (ROOT / "apps").rglob("*.py") for found in types_in(path)}


def somebody() -> User:
    return User.objects.create_user("nora@acme.example", None, name="Nora")


def owner() -> User:
    return User.objects.create_superuser("olga@acme.example", "secret")


def a_plan() -> Plan:
    return billing.create_plan(key="fiber", name="Fiber", actor=SYSTEM)


def change_role() -> None:
    olga = owner()
    role = members.create_role(name="Night", permissions=["people.view"], by=olga)
    assert isinstance(role, Role)
    members.change_role(role, name="Night", permissions=[], by=olga)


def change_account() -> None:
    olga = owner()
    account = service_accounts.create_account(name="CRM", role="viewer", by=olga)
    assert isinstance(account, ServiceAccount)
    service_accounts.change_account(account, by=olga, role="admin")


def give_role() -> None:
    members.set_role(somebody(), "viewer", by=owner())


def change_provider() -> None:
    row = IdentityProvider(
        kind="oidc", key="office", name="Office", client_id="1", issuer=PUBLIC_URL, is_on=False
    )
    save_provider(row, secret=SECRET, actor=SYSTEM)
    # As a form does, which has changed the row before it is saved.
    row.client_id = "2"
    save_provider(row, secret=SECRET, actor=SYSTEM)


def change_client() -> None:
    words = PartyWords("Wiki", False, [f"{PUBLIC_URL}back"], ["email"], "everybody")
    party, _secret = save_party(None, words, actor=SYSTEM)
    words = PartyWords("Wiki", False, [f"{PUBLIC_URL}back"], ["email"], "staff")
    save_party(party, words, actor=SYSTEM)


def change_channel() -> None:
    address = Secret(f"{PUBLIC_URL}{SECRET.reveal()}")
    channel, _made = create_channel(name="Chat", kind="slack", address=address, actor=SYSTEM)
    update_channel(channel, actor=SYSTEM, is_on=False)


def change_webhook() -> None:
    endpoint, _secret = create_endpoint(url=f"{PUBLIC_URL}{SECRET.reveal()}", actor=SYSTEM)
    endpoint.description = "CRM"
    update_endpoint(endpoint, actor=SYSTEM, description="CRM")


def change_sender() -> None:
    words = SenderWords("a@acme.example", "", "mail.acme.example", 587, "starttls", "a", False)
    save_sender(words, password=SECRET, version=0, actor=SYSTEM)


def change_certificates() -> None:
    words, version = AccountWords(email="ops@acme.example"), account_as_it_is().version
    save_account(words, AccountSecrets(dns_secret=SECRET), version=version, actor=SYSTEM)


def change_gateway() -> None:
    wanted = Gateway(f"{PUBLIC_URL}send", "POST", "json", '{"to": "{to}", "t": "{text}"}', False)
    headers = Secret(f"Authorization: {SECRET.reveal()}")
    save_gateway(wanted, headers=headers, version=0, actor=SYSTEM)


def change_server() -> None:
    server = make_server()
    server.cpu_millis = 64_000
    records.change(server, ["cpu_millis"], actor=SYSTEM)


def change_subscriber() -> None:
    dora = subscribers.create_subscriber(name="Dora", actor=SYSTEM)
    subscribers.update_subscriber(dora, name="Dora D.", metadata={"crm": "17"}, actor=SYSTEM)


CAUSES: dict[str, Callable[[], object]] = {
    "*.changed": change_server,
    "*.labelled": lambda: set_labels(a_plan(), actor=SYSTEM, metadata={"crm": "17"}),
    "acme_account.changed": change_certificates,
    "alert_channel.changed": change_channel,
    "backup_target.changed": lambda: save_target(BASE, secret=SECRET, version=0, actor=SYSTEM),
    "brand.changed": lambda: save_brand(Words("Acme"), NewPictures(), version=0, actor=SYSTEM),
    "identity_provider.changed": change_provider,
    "plan.updated": lambda: billing.update_plan(a_plan(), actor=SYSTEM, name="Fiber 100"),
    "role.changed": change_role,
    "sender.changed": change_sender,
    "service_account.changed": change_account,
    "sign_in_policy.changed": lambda: set_policy(
        who="everybody", grace_days=3, actor=SYSTEM, methods=["pwd", "mfa", "otp"]
    ),
    "sms_gateway.changed": change_gateway,
    "sso_client.changed": change_client,
    "subscriber.updated": change_subscriber,
    "user.changed": lambda: rename_user(somebody(), "Nora N.", actor=SYSTEM),
    "user.preferences_changed": lambda: choose_for(
        somebody(), {("api_key.ends", "email"): False}, actor=SYSTEM
    ),
    "user.role_changed": give_role,
    "webhook.changed": change_webhook,
}


@dataclass(frozen=True)
class Told:
    """The newest event of a type, and what it tells of both."""

    event: Event
    pairs: dict[str, tuple[object, object]]


def told_of(type: str) -> Told:
    event = Event.objects.filter(type__endswith=type.lstrip("*")).latest("id")
    return Told(event, told_by(event.data)[0])


def test_every_event_of_a_change_is_caused_here_or_excepted_for_a_reason() -> None:
    assert CAUSES.keys() | EXCEPTIONS.keys() == FOUND


@pytest.mark.parametrize("type", sorted(CAUSES))
def test_a_change_tells_both(type: str, db: None) -> None:
    with schema_of("w_acme") if type.startswith("subscriber") else operator():
        CAUSES[type]()
        told = told_of(type)
        assert told.pairs, told.event.data
        assert all(before != after for before, after in told.pairs.values())
        assert SECRET.reveal() not in f"{told.event.data}"
        shown = {one.name: one for one in changes_of(told.event)}
        assert all(shown[name].is_change for name in told.pairs)


def test_a_form_s_row_is_compared_with_what_was_there(db: None) -> None:
    with operator():
        change_webhook()
        assert told_of("webhook.changed").pairs == {"description": ("", "CRM")}
        change_provider()
        assert told_of("identity_provider.changed").pairs == {"client_id": ("1", "2")}


def test_somebody_named_by_a_value_before_is_erased(db: None) -> None:
    with operator():
        plan = a_plan()
        set_labels(plan, actor=SYSTEM, metadata={"chosen by": "Dora Diaz"})
        set_labels(plan, actor=SYSTEM, metadata={"chosen by": "Emil Eze"})
        assert told_of("plan.labelled").pairs == {"metadata.chosen by": ("Dora Diaz", "Emil Eze")}
        assert erase_person(["Dora Diaz"], actor=SYSTEM).events == 2
        assert told_of("plan.labelled").pairs == {}


def test_only_what_is_not_the_same_is_told_and_mappings_name_by_name() -> None:
    before = {"name": "a", "limits": [1], "metadata": {"x": "1", "y": "2"}, "note": None}
    after = {"name": "a", "limits": [1, 2], "metadata": {"y": "3", "z": "4"}, "note": {"w": "5"}}
    assert differences(before, after) == {
        "limits": {"before": [1], "after": [1, 2]},
        "metadata.x": {"before": "1", "after": None},
        "metadata.y": {"before": "2", "after": "3"},
        "metadata.z": {"before": None, "after": "4"},
        "note": {"before": None, "after": {"w": "5"}},
    }


def test_older_shapes_are_read_too() -> None:
    told, rest = told_by({"changed": {"role": ["viewer", "admin"]}, "scope": "x"})
    assert (told, rest) == ({"role": ("viewer", "admin")}, {"scope": "x"})
    assert told_by({"changed": ["name"]}) == ({}, {"changed": ["name"]})
    assert told_by({"before": "a", "after": "b"}) == ({"after": ("a", "b")}, {})
