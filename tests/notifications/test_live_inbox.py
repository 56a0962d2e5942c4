"""The live stream of an inbox: each hears of their own, and of nobody else's."""

from collections.abc import Iterator

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections

from apps.accounts.models import User
from apps.notifications.services import mark_read, notify
from apps.tenancy import consumers, live
from apps.tenancy.kinds import schema_of
from config.websockets import application
from tests.conftest import ACME, INITECH
from tests.notifications.conftest import TEST
from tests.pages.test_live_progress import SOON_S, is_closed, play, session_of


@pytest.fixture(autouse=True)
def _own_listener(monkeypatch: pytest.MonkeyPatch, live_database: str) -> Iterator[None]:
    monkeypatch.setattr(consumers, "listener", live.Listener())
    yield
    connections.close_all()


def socket(session: str, host: str = ACME.console_host) -> WebsocketCommunicator:
    """A browser's socket."""
    headers = [(b"host", host.encode()), (b"origin", f"http://{host}".encode())]
    if session:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()))
    return WebsocketCommunicator(application, "/ws/notifications/", headers=headers)


async def opened(session: str, host: str = ACME.console_host) -> WebsocketCommunicator:
    """One that was let in and has had its first news: that it listens."""
    found = socket(session, host)
    assert (await found.connect(timeout=SOON_S))[0]
    assert await found.receive_json_from(timeout=SOON_S) == {"changed": True}
    return found


@database_sync_to_async
def tell(schema: str, key: str) -> None:
    with schema_of(schema):
        notify(TEST, User.objects.order_by("pk")[:1], key=key, data={})


@database_sync_to_async
def read_all() -> None:
    with schema_of(ACME.console):
        mark_read(User.objects.order_by("pk")[0])


def test_a_person_hears_of_what_comes_and_of_what_another_window_read() -> None:
    session = session_of(ACME.console)

    async def scene() -> None:
        browser = await opened(session)
        await tell(ACME.console, "one")
        assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        await read_all()
        assert await browser.receive_json_from(timeout=SOON_S) == {"changed": True}
        await browser.disconnect()

    play(scene)


@database_sync_to_async
def sign_out(session: str) -> None:
    with schema_of(ACME.console):
        SessionStore(session).delete()


def test_the_bell_is_silent_once_its_person_is_signed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.2)
    session = session_of(ACME.console)

    async def scene() -> None:
        browser = await opened(session)
        await sign_out(session)
        assert (await browser.receive_output(timeout=SOON_S))["type"] == "websocket.close"
        await browser.disconnect()

    play(scene)


def test_nobody_hears_of_somebody_else_s() -> None:
    first, second = session_of(ACME.console), session_of(ACME.console, is_staff=True)
    bob = session_of(INITECH.console, is_staff=True)

    async def scene() -> None:
        assert await is_closed(socket(""))
        assert await is_closed(socket(bob))
        hers = await opened(first)
        others = [await opened(second), await opened(bob, INITECH.console_host)]
        await tell(ACME.console, "one")
        assert await hers.receive_json_from(timeout=SOON_S) == {"changed": True}
        for other in others:
            assert await other.receive_nothing()
        for browser in (hers, *others):
            await browser.disconnect()

    play(scene)
