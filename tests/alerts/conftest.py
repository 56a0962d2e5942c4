"""The operator with a receiver of alerts, and what the clock and the workers make of them."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.alerts.channels import create_channel
from apps.alerts.models import Alert, AlertChannel
from apps.alerts.sending import KIND
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.fleet.models import Server
from apps.tenancy.kinds import operator
from apps.work.models import Due
from dotmac.crypto.secret import Secret
from tests.dotmac.webhooks.receiver import Receiver, receiving
from tests.fleet.conftest import make_server
from tests.notifications.conftest import browser_of, show_events

Work = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def pager() -> Iterator[Receiver]:
    """The other side of a channel."""
    with receiving() as made:
        yield made


@pytest.fixture
def olga(operator_schema: None) -> User:
    """An owner at the operator."""
    return User.objects.create_user("olga@dotmac.example", is_staff=True, is_superuser=True)


@pytest.fixture
def hers(olga: User) -> Client:
    """Olga's browser."""
    return browser_of(olga, "dotmac.localhost", "public")


@pytest.fixture
def server(olga: User) -> Server:
    """Server fra-1."""
    return make_server()


def channel_to(pager: Receiver, kind: str = "webhook", **fields: Any) -> AlertChannel:
    """A channel that leads to the pager."""
    values = {"name": "Pager", "kind": kind, "address": Secret(pager.url), **fields}
    return create_channel(actor=SYSTEM, **values)[0]


@pytest.fixture
def channel(olga: User, pager: Receiver) -> AlertChannel:
    """A webhook to the pager, of warnings and worse."""
    return channel_to(pager)


def goes_down(server: Server, error: str = "No answer on port 2376.") -> Event:
    """The server is found away, and the operator told of it."""
    return _happens("server.unreachable", server, error=error)


def comes_back(server: Server) -> Event:
    """It answers again."""
    return _happens("server.recovered", server)


def _happens(type: str, server: Server, **data: str) -> Event:
    with operator():
        event = events.record(type, actor=SYSTEM, subject=server, data=data)
    show_events("public")
    return event


def later(**by: float) -> None:
    """The alerts of before were raised so much earlier."""
    for alert in Alert.objects.all():
        moved = {"raised_at": alert.raised_at, "sends_at": alert.sends_at}
        Alert.objects.filter(pk=alert.pk).update(
            **{name: at - timedelta(**by) for name, at in moved.items()}
        )


def hurry() -> None:
    """What waits for its next try is due now."""
    Due.objects.filter(kind=KIND, state="waiting").update(due_at=timezone.now() - timedelta(days=1))


def said(pager: Receiver) -> list[tuple[str, str]]:
    """Type and heading of each alert that came in as a webhook."""
    bodies = [json.loads(body) for _path, _head, body in pager.got]
    return [(one["type"], one["data"]["heading"]) for one in bodies]
