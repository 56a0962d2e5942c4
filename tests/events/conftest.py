"""The log is written by several connections, so its tests commit."""

from collections.abc import Callable, Iterator

import pytest

from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.models import Event
from apps.events.origins import coming_from
from apps.tenancy.kinds import schema_of
from tests.events.test_log import seal_all
from tests.live import module_database, swept_database

__all__ = ["module_database", "swept_database"]
ALICE = Actor("user", "a11ce000-0000-4000-8000-000000000001", "alice@acme.example")
DORA = Subject("subscriber", "d04a0000-0000-4000-8000-000000000002", "Dora Diaz")
EMAIL = "dora@example.org"


@pytest.fixture
def log(swept_database: str) -> Iterator[Callable[[int], list[Event]]]:
    """`log(9)` makes and seals so many events in Acme's console; returns them in order."""

    def make(count: int) -> list[Event]:
        for number in range(count):
            with coming_from(lambda: "192.0.2.7"):
                data = {"number": number, "email": EMAIL, "share": 1.5e30, "none": None}
                events.record("subscriber.updated", actor=ALICE, subject=DORA, data=data)
        seal_all()
        return list(Event.objects.order_by("seal_no"))

    with schema_of("c_acme"):
        yield make
