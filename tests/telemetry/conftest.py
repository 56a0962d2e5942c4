"""An installation in real processes, a collector for its traces, and an engine that it asks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.tenancy.kinds import schema_of
from dotmac.crypto.secret import Secret
from tests.keys import key_like
from tests.live import module_database, swept_database
from tests.telemetry.collector import Collector, answering_engine, collecting
from tests.telemetry.installation import Installation

__all__ = ["module_database", "swept_database"]
Install = Callable[..., Installation]


@pytest.fixture
def install(swept_database: str, tmp_path: Path) -> Iterator[Install]:
    """Make an installation with an environment of its own; it ends with the test."""
    made: list[Installation] = []

    def make(**environment: str) -> Installation:
        made.append(Installation(tmp_path, **environment))
        return made[-1]

    yield make
    for one in made:
        one.stop()
    connection.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Where traces go."""
    with collecting() as made:
        yield made


@pytest.fixture
def engine_address() -> Iterator[str]:
    """Of an engine that answers."""
    with answering_engine() as made:
        yield made


@pytest.fixture
def key(swept_database: str) -> Secret:
    """A key of a program of Acme's console that may do everything."""
    with schema_of("c_acme"):
        user = User.objects.filter(email="robot@acme.example").first()
        user = user or User.objects.create_superuser("robot@acme.example", None)
        return key_like(user)[1]
