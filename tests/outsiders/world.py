"""Acme with a row of everything, Initech with its people alone, and how either asks for a page.

Rows of Acme's schemas begin at a number that Initech's never reach, so that what an address of
Acme's shows at Initech is Acme's, or nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.events.actors import SYSTEM
from apps.events.verifications import start_verification
from apps.lists.models import SavedView
from apps.operations.models import Operation
from apps.subscribers.models import Service, SubscriberImport
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.transfers.services import PIPELINE as EXPORT
from tests.accessibility.addresses import CUSTOMER_S
from tests.accessibility.world import CUSTOMER, OWNER, SCHEMAS, fill
from tests.conftest import ACME, INITECH
from tests.keys import key_like
from tests.outsiders.addresses import addresses_of_all
from tests.pages.test_every_address import HOSTS, Address
from tests.signed_in import proven_session

BOB = "owner@initech.example"
INITECH_SCHEMAS = {"operator": PUBLIC, "console": INITECH.console, "workspace": INITECH.workspace}
# Of Initech the operator's pages are the same ones.
INITECH_HOSTS = {
    "operator": HOSTS["operator"],
    "console": INITECH.console_host,
    "workspace": INITECH.workspace_host,
}
FIRST_ROW = 700_000
LISTS = ("list_export", "list_save_view", "list_remove_view")
_SCHEMAS = {*SCHEMAS.values(), *INITECH_SCHEMAS.values()} - {PUBLIC}


class Undone(Exception):
    """What a request did is taken back."""


@dataclass
class Asked:
    """An answer, and in which schemas its request asked the database something."""

    answer: HttpResponse
    schemas: set[str] = field(default_factory=set)

    @property
    def status(self) -> int:
        """The answer's status."""
        return self.answer.status_code

    @property
    def text(self) -> str:
        """The answer's whole body."""
        if self.answer.streaming:
            return b"".join(self.answer.streaming_content).decode(errors="replace")
        return self.answer.content.decode(errors="replace")


@dataclass
class World:
    """Every address with what it leads to, and the sessions and keys of both ISPs' people."""

    addresses: list[Address]
    sessions: dict[tuple[str, str], str]
    keys: dict[tuple[str, str], str]

    def of(self, kind: str) -> list[Address]:
        """The addresses of a kind."""
        return [one for one in self.addresses if one.kind == kind]

    def client(self, kind: str, who: str, host: str) -> Client:
        """Somebody at a host, with the session and the key that they have at a kind."""
        client = Client(headers={"host": host}, raise_request_exception=False)
        client.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[kind, who]
        return client

    def ask(self, one: Address, method: str, who: str, host: str) -> Asked:
        """How somebody is answered at an address, in a browser or, of the API, with a key."""
        client = self.client(one.kind, who, host)
        if one.path.startswith("/api/v1/"):
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.keys[one.kind, who]}"
            if who == OWNER:
                client.cookies.clear()
        return ask(client, method, one.path)

    @cached_property
    def own(self) -> dict[Address, Asked]:
        """How Acme's own people are answered, by POST where GET is not allowed.

        Each address of a name at one kind: the view is the same one at the others.
        """
        once = {one.name: one for one in self.addresses}
        return {one: self._own(one) for one in once.values()}

    def _own(self, one: Address) -> Asked:
        who = CUSTOMER if one.name in CUSTOMER_S else OWNER
        found = self.ask(one, "GET", who, HOSTS[one.kind])
        if found.status in (404, 405):
            found = self.ask(one, "POST", who, HOSTS[one.kind])
        # Without its body and contexts, which are large.
        return Asked(HttpResponse(status=found.status, headers=dict(found.answer.items())))


def ask(client: Client, method: str, path: str) -> Asked:
    """The answer to one request; what it wrote is taken back."""
    found = Asked(HttpResponse())

    def watch(execute: Callable[..., Any], statement: str, *given: Any) -> Any:
        named = {one for one in _SCHEMAS if f'"{one}".' in str(statement)}
        found.schemas |= {connection.schema_name, *named}
        return execute(statement, *given)

    try:
        with transaction.atomic(), connection.execute_wrapper(watch):
            found.answer = client.generic(method, path)
            if found.answer.streaming:
                found.answer.streaming_content = [b"".join(found.answer.streaming_content)]
            raise Undone
    except Undone:
        return found


def made() -> World:
    """Fill an empty database with it; commits."""
    _begin_rows_at(FIRST_ROW)
    known = fill()
    sessions: dict[tuple[str, str], str] = {}
    keys: dict[tuple[str, str], str] = {}
    for kind, schema in INITECH_SCHEMAS.items():
        with schema_of(schema):
            bob, _made = User.objects.get_or_create(email=BOB)
            if kind != "operator":
                bob.is_staff = bob.is_superuser = True
                bob.save()
            keys[kind, BOB] = key_like(bob)[1].reveal()
        with schema_of(SCHEMAS[kind]):
            keys[kind, OWNER] = key_like(User.objects.get(email=OWNER))[1].reveal()
            _work()
        sessions[kind, BOB] = proven_session(schema, BOB)
        sessions[kind, OWNER] = proven_session(SCHEMAS[kind], OWNER)
    sessions["workspace", CUSTOMER] = proven_session(ACME.workspace, CUSTOMER)
    return World(addresses_of_all({**known, **_VALUES, **_rows()}), sessions, keys)


# What parameters mean that lead to no page: steps, and a list's names.
_VALUES = {
    **{f"admin:{name} app": "accounts" for name in LISTS},
    **{f"admin:{name} model": "user" for name in LISTS},
    "admin:instances_do what": "deploy",
    "admin:subscribers_do what": "archive",
    "admin:subscribers_do_service what": "suspend",
    "admin:webhooks_endpoint_do what": "pause",
    "admin:work_due_steer what": "cancel",
}


def _rows() -> dict[str, str]:
    """Rows that only the owner of the workspace leads to, by the addresses that do."""
    with schema_of(ACME.workspace):
        owner = User.objects.get(email=OWNER)
        session = UserSession.objects.create(user=owner, session_key="x" * 32, ip="127.0.0.1")
        social = SocialAccount.objects.create(user=owner, provider="office", uid="alice")
        view = SavedView.objects.create(user=owner, list="accounts.user", name="All", query="")
        service = Service.objects.earliest("pk")
        listed = SubscriberImport.objects.get(filename="list.csv")
    return {
        "account_session_end pk": str(session.pk),
        "account_disconnect pk": str(social.pk),
        "admin:accounts_security_reset pk": str(owner.pk),
        "admin:list_remove_view view": str(view.pk),
        "admin:subscribers_do_service service_pk": str(service.pk),
        "admin:subscribers_errors uuid": str(listed.uuid),
    }


def _work() -> None:
    """Long work of Acme's, or the operator's, that has an address of its own in the API."""
    start_verification(actor=SYSTEM)
    Operation.objects.create(
        name=EXPORT,
        title="Export",
        subject_type="tenant",
        subject_id=str(uuid4()),
        status="failed",
        params={"schema": ACME.console, "permission": "tenants.export"},
        actor_kind="system",
        created_at=timezone.now(),
    )


def _begin_rows_at(first: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, %s)"
            " FROM pg_sequences WHERE schemaname = ANY(%s)",
            [first, [ACME.console, ACME.workspace]],
        )
