"""The live stream of an operation: who may listen, and that no news is lost."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, connections, transaction
from django.utils import timezone

from apps.accounts.models import Membership, User, Visit
from apps.accounts.security.methods import SESSION_KEY as METHODS
from apps.accounts.security.policy import set_policy
from apps.accounts.visits.services import SESSION_KEY as VISIT
from apps.accounts.visits.services import end_here
from apps.events.actors import SYSTEM
from apps.operations.models import Operation
from apps.operations.progress import announce
from apps.tenancy import consumers, live
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenancy.models import Tenant
from config.websockets import application
from tests.conftest import ACME, INITECH

Scene = Callable[[], Awaitable[None]]
SOON_S = 5.0


def session_of(schema: str, **rights: bool) -> str:
    """A new person of a schema who signed in; the session's key."""
    with schema_of(schema):
        user = User.objects.create_user(f"{uuid4().hex}@example.net", **rights)
        if user.is_staff:
            Membership.objects.create(user=user, role="viewer")
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
    return str(session.session_key)


def make_operation(name: str = "instances.deploy") -> Operation:
    """An operation of Acme that runs."""
    with schema_of(ACME.console):
        return Operation.objects.create(
            name=name,
            title="Deploy Shop",
            subject_type="instance",
            subject_id=str(uuid4()),
            status="running",
            actor_kind="system",
            created_at=timezone.now(),
        )


@pytest.fixture
def operation(live_database: str) -> Operation:
    """The same, for one test."""
    return make_operation()


@pytest.fixture
def staff(operation: Operation) -> str:
    """The session of Acme's staff, in its console."""
    return session_of(ACME.console, is_staff=True)


@pytest.fixture(autouse=True)
def _own_listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has an event loop of its own, and so a listener of its own."""
    monkeypatch.setattr(consumers, "listener", live.Listener())
    monkeypatch.setattr(live, "_RETRY_S", 0.05)
    yield
    connections.close_all()


def socket(
    operation: object,
    session: str = "",
    *,
    host: str = ACME.console_host,
    origin: str | None = f"http://{ACME.console_host}:8000",
) -> WebsocketCommunicator:
    """A browser's socket."""
    headers = [(b"host", f"{host}:8000".encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    if session:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()))
    path = f"/ws/operations/{getattr(operation, 'uuid', operation)}/"
    return WebsocketCommunicator(application, path, headers=headers)


def play(scene: Scene) -> None:
    """Run a scene in an event loop of its own, and leave no connection to the test's database."""

    async def played() -> None:
        try:
            await scene()
        finally:
            await database_sync_to_async(connections.close_all)()

    asyncio.run(played())


async def opened(*args: Any, **kwargs: Any) -> WebsocketCommunicator:
    """A socket that was let in and has had its first news: that it listens."""
    found = socket(*args, **kwargs)
    is_open, _subprotocol = await found.connect(timeout=SOON_S)
    assert is_open
    assert await found.receive_json_from(timeout=SOON_S) == {"changed": True}
    return found


async def is_closed(found: WebsocketCommunicator) -> bool:
    is_open, code = await found.connect(timeout=SOON_S)
    return not is_open and code in (4403, 4404)


@database_sync_to_async
def change(operation: Operation, schema: str = ACME.console) -> None:
    """What a worker does whenever a step logs or moves on."""
    with schema_of(schema):
        announce(operation)


def test_staff_hear_of_every_change(operation: Operation, staff: str) -> None:
    async def scene() -> None:
        browser = await opened(operation, staff)
        for _turn in range(3):
            await change(operation)
            assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        await browser.disconnect()

    play(scene)


def test_who_lacks_a_second_factor_that_is_demanded_hears_nothing(
    operation: Operation, staff: str
) -> None:
    with schema_of(ACME.console):
        set_policy(who="staff", grace_days=0, actor=SYSTEM, methods=["pwd", "otp"])
        proven = SessionStore(session_of(ACME.console, is_staff=True))
        proven[METHODS] = ["pwd", "webauthn"]
        proven.save()

    async def scene() -> None:
        assert await is_closed(socket(operation, staff))
        await (await opened(operation, str(proven.session_key))).disconnect()

    play(scene)


@database_sync_to_async
def lose(session: str, how: str) -> None:
    """A person of Acme is switched off, loses their role, or signs out."""
    with schema_of(ACME.console):
        stored = SessionStore(session)
        user = User.objects.get(pk=stored[SESSION_KEY])
        if how == "off":
            User.objects.filter(pk=user.pk).update(is_active=False)
        elif how == "demoted":
            Membership.objects.filter(user=user).delete()
        elif how == "factor":
            set_policy(who="staff", grace_days=0, actor=SYSTEM, methods=["pwd", "otp"])
        else:
            stored.delete()


@pytest.mark.parametrize("how", ["off", "demoted", "signed out", "factor"])
@pytest.mark.parametrize("has_news", [True, False])
def test_an_open_socket_ends_with_the_right_to_it(
    operation: Operation, staff: str, monkeypatch: pytest.MonkeyPatch, how: str, has_news: bool
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 60 if has_news else 0.2)

    async def scene() -> None:
        browser = await opened(operation, staff)
        await lose(staff, how)
        if has_news:
            await change(operation)
        said = await browser.receive_output(timeout=SOON_S)
        assert (said["type"], said["code"]) == ("websocket.close", 4404)
        await browser.disconnect()
        assert not consumers.listener._watchers

    play(scene)


def visiting(schema: str) -> tuple[str, UUID]:
    """Somebody of the operator on a support visit; the session's key, and the visit."""
    with schema_of(schema):
        row = User.objects.create_user("row@visitor.invalid", is_active=False, is_visitor=True)
        now = timezone.now()
        visit = Visit.objects.create(
            uuid=uuid4(),
            user=row,
            person=uuid4(),
            email="eve@dotmac.example",
            reason="Ticket 4711",
            started_at=now,
            expires_at=now + timedelta(minutes=15),
        )
        session = SessionStore()
        session[VISIT] = str(visit.uuid)
        session.save()
    return str(session.session_key), visit.uuid


@pytest.mark.parametrize("how", ["left", "time"])
def test_a_support_visit_listens_as_long_as_it_goes_on(
    operation: Operation, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.2)
    session, visit = visiting(ACME.console)

    @database_sync_to_async
    def over() -> None:
        with schema_of(ACME.console):
            if how == "left":
                end_here(visit, actor=SYSTEM)
            else:
                Visit.objects.update(expires_at=timezone.now())

    async def scene() -> None:
        browser = await opened(operation, session)
        await change(operation)
        assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        await over()
        assert (await browser.receive_output(timeout=SOON_S))["type"] == "websocket.close"
        await browser.disconnect()
        assert await is_closed(socket(operation, session))

    play(scene)


def test_an_open_socket_stays_open_while_the_right_lasts(
    operation: Operation, staff: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.05)

    async def scene() -> None:
        browser = await opened(operation, staff)
        assert await browser.receive_nothing(timeout=0.5)
        await change(operation)
        assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        await browser.disconnect()

    play(scene)


def test_several_browsers_watch_one_operation(operation: Operation, staff: str) -> None:
    async def scene() -> None:
        browsers = [await opened(operation, staff) for _ in range(3)]
        await browsers.pop().disconnect()
        await change(operation)
        for browser in browsers:
            assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
            await browser.disconnect()
        assert not consumers.listener._watchers

    play(scene)


def test_another_operation_s_change_is_no_news(operation: Operation, staff: str) -> None:
    async def scene() -> None:
        browser = await opened(operation, staff)
        other = Operation(uuid=uuid4())
        await change(other)
        await change(operation, INITECH.console)
        await change(operation)
        assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        assert await browser.receive_nothing()
        await browser.disconnect()

    play(scene)


def test_what_a_browser_sends_is_ignored(operation: Operation, staff: str) -> None:
    async def scene() -> None:
        browser = await opened(operation, staff)
        await browser.send_json_to({"cancel": True})
        await change(operation)
        assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        await browser.disconnect()

    play(scene)


def strangers(operation: Operation, staff: str) -> dict[str, WebsocketCommunicator]:
    """Everybody who must not listen."""
    at_initech = {"host": INITECH.console_host, "origin": f"http://{INITECH.console_host}:8000"}
    return {
        "nobody": socket(operation),
        "a session that is none": socket(operation, "x" * 32),
        "no staff": socket(operation, session_of(ACME.console)),
        "left": socket(operation, session_of(ACME.console, is_staff=True, is_active=False)),
        "another ISP": socket(operation, session_of(INITECH.console, is_staff=True)),
        "the operator": socket(operation, session_of(PUBLIC, is_staff=True)),
        "the workspace": socket(operation, session_of(ACME.workspace, is_staff=True)),
        "another ISP at home": socket(
            operation, session_of(INITECH.console, is_staff=True), **at_initech
        ),
        "no such operation": socket(uuid4(), staff),
        "a page elsewhere": socket(operation, staff, origin="https://evil.example"),
        "an app of the same ISP": socket(operation, staff, origin="https://acme.apps.localhost"),
        "no origin": socket(operation, staff, origin=None),
        "an origin that is none": socket(operation, staff, origin="http://["),
        "null": socket(operation, staff, origin="null"),
        "an unknown host": socket(
            operation, staff, host="nobody.example", origin="http://nobody.example"
        ),
    }


def test_nobody_else_may_listen(operation: Operation, staff: str) -> None:
    asked = strangers(operation, staff)

    async def scene() -> None:
        let_in = [who for who, found in asked.items() if not await is_closed(found)]
        assert let_in == []
        assert not consumers.listener._watchers

    play(scene)


def test_a_dedicated_workspace_s_host_has_no_socket_here(operation: Operation, staff: str) -> None:
    Tenant.objects.filter(schema_name=ACME.workspace).update(is_local=False)
    session = session_of(ACME.workspace, is_staff=True)
    found = socket(
        operation, session, host=ACME.workspace_host, origin=f"http://{ACME.workspace_host}"
    )

    async def scene() -> None:
        assert await is_closed(found)

    play(scene)


def end_listening(url: str) -> int:
    """End the backends that listen, as a restart of the database does."""
    with psycopg.connect(url, autocommit=True) as server:
        ended = server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        return len(ended.fetchall())


def test_nothing_is_lost_when_the_listening_connection_ends(
    operation: Operation, staff: str, live_database: str
) -> None:
    async def scene() -> None:
        browser = await opened(operation, staff)
        for _turn in range(2):
            assert await database_sync_to_async(end_listening)(live_database) == 1
            # Whoever watches is told to look again, since a note may have been missed.
            assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
            await change(operation)
            assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        await browser.disconnect()

    play(scene)


def test_a_change_that_is_rolled_back_is_no_news(operation: Operation, staff: str) -> None:
    @database_sync_to_async
    def rolled_back() -> None:
        with schema_of(ACME.console), transaction.atomic():
            announce(operation)
            transaction.set_rollback(True)

    async def scene() -> None:
        browser = await opened(operation, staff)
        await rolled_back()
        assert await browser.receive_nothing(timeout=0.3)
        await browser.disconnect()

    play(scene)


def test_listening_leaves_the_connection_in_no_schema(operation: Operation, staff: str) -> None:
    async def scene() -> None:
        browser = await opened(operation, staff)
        assert await database_sync_to_async(lambda: connection.schema_name)() == PUBLIC
        await browser.disconnect()

    play(scene)
