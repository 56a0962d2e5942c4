"""A database with real commits for a whole module, swept between its tests."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress

import pytest
from django.db import connection, transaction
from django_q.models import OrmQ

from apps.events.models import Checkpoint, Cursor, Event
from apps.operations.models import Operation
from apps.tenancy.kinds import operator, schema_of
from apps.webhooks.models import Endpoint
from apps.work.models import Due, Mark, Signal

_SCHEMAS = ("public", "c_acme", "w_acme", "c_initech", "w_initech")


class _RollBackError(Exception):
    """Ends a transaction in vain."""


def in_vain(act: Callable[[], object]) -> None:
    """Do something in a transaction that is rolled back."""
    with suppress(_RollBackError), transaction.atomic():
        act()
        raise _RollBackError


@pytest.fixture(scope="module")
def module_database(
    open_live_database: Callable[[], AbstractContextManager[str]],
) -> Iterator[str]:
    """Its URL; one copy of the template serves all tests of the module."""
    with open_live_database() as url:
        yield url


@pytest.fixture
def swept_database(module_database: str) -> Iterator[str]:
    """The module's database without the work, events and operations of the test before."""
    _sweep()
    yield module_database
    connection.close()


def _sweep() -> None:
    connection.close()
    with operator():
        for model in (Due, Signal, Mark, OrmQ):
            model.objects.all().delete()
    for schema in _SCHEMAS:
        with schema_of(schema):
            for model in (Event, Checkpoint, Cursor, Operation, Endpoint):
                model.objects.all().delete()
