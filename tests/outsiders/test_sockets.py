"""Every WebSocket route: who is let in, at each kind of schema. A new route is found by itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections

from apps.operations.models import Operation
from apps.tenancy import consumers, live
from apps.tenancy.kinds import schema_of
from config.websockets import application
from tests.accessibility.world import OWNER, SCHEMAS
from tests.outsiders.world import BOB, INITECH_HOSTS, World
from tests.pages.test_every_address import HOSTS, filled
from tests.pages.test_live_progress import SOON_S, is_closed, play


def routes() -> list[Any]:
    """The routes behind whatever lies before them."""
    found: Any = application
    while not isinstance(found, URLRouter):
        found = found.inner
    return list(found.routes)


def values_at(kind: str) -> dict[str, str]:
    """What each parameter means: a row of Acme's, or the operator's."""
    with schema_of(SCHEMAS[kind]):
        return {"operation_id": str(Operation.objects.earliest("pk").uuid)}


@pytest.fixture(autouse=True)
def _own_listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test has an event loop of its own, and so a listener of its own."""
    monkeypatch.setattr(consumers, "listener", live.Listener())
    yield
    connections.close_all()


def socket(path: str, session: str, host: str, page: str) -> WebsocketCommunicator:
    """A socket that a page of one host opens at another, or at its own."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={session}" if session else "a=b"
    headers = {"host": host, "origin": f"http://{page}:8000", "cookie": cookie}
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return WebsocketCommunicator(application, path, headers=encoded)


def test_every_parameter_of_a_route_leads_to_a_row() -> None:
    named = {name for one in routes() for name in one.pattern.converters}
    assert named <= {"operation_id"}, "Say in `values_at` which row the new parameter is about"


@pytest.mark.parametrize("route", routes(), ids=lambda one: str(one.pattern))
@pytest.mark.parametrize("kind", HOSTS)
def test_a_route_opens_for_its_own_people_alone(kind: str, route: Any, world: World) -> None:
    path = "/" + filled(str(route.pattern), values_at(kind))
    here, there = HOSTS[kind], INITECH_HOSTS[kind]
    owner, bob = world.sessions[kind, OWNER], world.sessions[kind, BOB]
    strangers = {
        "nobody": socket(path, "", here, here),
        "the page of another ISP": socket(path, owner, here, "initech.apps.localhost"),
    }
    if kind != "operator":
        strangers["another ISP's session"] = socket(path, bob, here, here)
    if route.pattern.converters:
        strangers["another ISP at its own host"] = socket(path, bob, there, there)

    async def scene() -> None:
        let_in = [who for who, one in strangers.items() if not await is_closed(one)]
        assert let_in == []
        own = socket(path, owner, here, here)
        assert (await own.connect(timeout=SOON_S))[0]
        await own.disconnect()

    play(scene)
