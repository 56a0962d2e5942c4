"""People who ask for files, and the worker that writes them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Membership, User
from apps.tenancy.kinds import schema_of
from apps.work.jobs import run
from apps.work.models import Due
from tests.live import module_database, swept_database

__all__ = ["module_database", "swept_database"]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.LEASE_SECONDS = 120


@pytest.fixture
def person(swept_database: str) -> Iterator[Callable[..., Client]]:
    """`person(host, schema, role)` is somebody of it at a browser."""
    made: list[tuple[str, User]] = []

    def sign_in(host: str, schema: str, role: str = "owner") -> Client:
        with schema_of(schema):
            user = User.objects.create_user(
                f"{role}{len(made)}@example.org", is_staff=True, is_superuser=role == "owner"
            )
            if role != "owner":
                Membership.objects.create(user=user, role=role)
            made.append((schema, user))
            client = Client(headers={"host": host})
            client.force_login(user)
            return client

    yield sign_in
    connection.set_schema_to_public()
    for schema, user in made:
        with schema_of(schema):
            user.delete()


def work_off() -> None:
    """Do what is due as a worker would."""
    for due in Due.objects.filter(state="queued"):
        run(str(due.pk))
    connection.set_schema_to_public()
