"""Receivers of webhooks, and Acme's console with real commits: deliveries begin after one."""

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.events.models import Event
from apps.tenancy.kinds import current_schema, schema_of
from apps.webhooks.services import KIND, create_endpoint
from apps.work.jobs import run as run_job
from apps.work.models import Due
from dotmac.crypto.secret import Secret
from tests.dotmac.webhooks.receiver import Receiver, receiving
from tests.events.test_log import pump_all
from tests.live import module_database, swept_database

__all__ = ["module_database", "swept_database"]

TOWER = Subject("mast", "7", "Tower")


@pytest.fixture
def console(swept_database: str) -> Iterator[None]:
    """In Acme's console, with real commits."""
    with schema_of("c_acme"):
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A program that wants to know what happens."""
    with receiving() as made:
        yield made


@pytest.fixture
def secret(console: None, receiver: Receiver) -> Secret:
    """The secret of an endpoint for masts, which leads to the receiver."""
    _endpoint, made = create_endpoint(url=receiver.url, types=["mast.*"], actor=SYSTEM)
    return made


def happen(type: str = "mast.built", **data: object) -> Event:
    """Something happens, and is shown to the reactions."""
    with transaction.atomic():
        event = events.record(type, actor=SYSTEM, subject=TOWER, data=data)
    pump_all()
    return event


def work_once() -> list[str]:
    """What the workers make of the webhooks that are due now."""
    schema = current_schema()
    rows = Due.objects.filter(kind=KIND, state__in=["queued", "waiting"])
    ids = list(rows.values_list("pk", flat=True))
    with schema_of(schema):
        return [run_job(str(pk)) for pk in ids]


@pytest.fixture
def due() -> Callable[[], Due]:
    """The endpoint's piece of work."""
    return lambda: Due.objects.get(kind=KIND)
