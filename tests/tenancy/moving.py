"""A tenant of the tests that is worth moving, and what two of them have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from apps.accounts.models import User
from apps.billing import services as billing
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.events.erasing import erase_person
from apps.events.sealing import seal
from apps.subscribers.models import Service, ServiceAddress, Subscriber
from apps.tenancy.kinds import operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.services import create_tenant
from apps.tenancy.templates import drop_schema
from apps.tenancy.transfer.catalogue import sequences_of, tables_of
from apps.tenancy.transfer.exporting import export_schema
from tests.live import module_database
from tests.operations.nursery import until

__all__ = ["module_database"]

ODD = "Zoë “Zed” \\N \\. \\x41 \t tab \n line \r é 網 😀 '; DROP TABLE x; --"


def new_tenant(kind: str = "workspace") -> Tenant:
    """One with a name of its own, empty."""
    slug = f"mv{uuid4().hex[:8]}"
    domain = settings.APPS_DOMAIN if kind == "workspace" else settings.BASE_DOMAIN
    return create_tenant(kind=kind, slug=slug, name=f"The {slug}", host=f"{slug}.{domain}")


def new_isp(people: int = 30) -> Tenant:
    """A workspace with customers, a log with an erasure, and all of it sealed."""
    tenant = new_tenant()
    with schema_of(tenant.schema_name):
        _fill(people)
        seal_all()
    return tenant


def _fill(people: int) -> None:
    User.objects.create_user("alice@example.org", "a-long-passphrase", is_superuser=True)
    plan = billing.create_plan(key="fiber", name="Fiber", actor=SYSTEM)
    version = billing.publish_version(plan, billing.Terms("SEK", 39_900), actor=SYSTEM)
    for number in range(people):
        person = Subscriber.objects.create(
            number=f"S-{number}", name=f"{ODD} {number}", email=f"s{number}@example.org"
        )
        place = ServiceAddress.objects.create(subscriber=person, street=ODD, country="SE")
        Service.objects.create(subscriber=person, plan_version=version, address=place)
        about = Subject("subscriber", str(person.uuid), person.name[:200])
        data = {"email": person.email, "share": 1.5, "nothing": None}
        events.record("subscriber.created", actor=Actor("user", "1", ODD), subject=about, data=data)
    # What went leaves a gap in the numbers, which must not be filled again.
    Subscriber.objects.order_by("-pk")[0].services.all().delete()
    erase_person(["s3@example.org"], actor=SYSTEM)


def seal_all() -> None:
    """Seal what is committed."""
    until(lambda: not seal()[1], "The sealing", 60)


def remove(tenant: Tenant) -> None:
    """As if it had never been here."""
    with operator():
        drop_schema(tenant.schema_name)
        Tenant.objects.filter(schema_name=tenant.schema_name).delete()


@contextmanager
def passing(*tenants: Tenant) -> Iterator[None]:
    """They are gone afterwards, and so is whoever came under their name."""
    try:
        yield
    finally:
        connection.set_schema_to_public()
        for tenant in tenants:
            remove(tenant)


def rows_of(schema: str, *without: str) -> dict[str, list[str]]:
    """Every row of every table as COPY tells it, in order of their texts."""
    found = {}
    with operator(), connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        for table in tables_of(cursor, schema):
            if table.name in without:
                continue
            columns = ", ".join(f'"{name}"' for name in sorted(table.columns))
            with cursor.copy(f'COPY "{schema}"."{table.name}" ({columns}) TO STDOUT') as copy:
                found[table.name] = sorted(bytes(row).decode() for row in copy)
    return found


def standing(schema: str) -> dict[str, Any]:
    """Where the sequences of a schema stand."""
    with operator(), connection.cursor() as cursor:
        return {one.name: (one.last, one.is_called) for one in sequences_of(cursor, schema)}


@pytest.fixture
def database(module_database: str) -> Iterator[str]:
    """The module's database, in the operator's schema."""
    connection.set_schema_to_public()
    yield module_database
    connection.set_schema_to_public()


@pytest.fixture(scope="module")
def isp(module_database: str) -> Iterator[Tenant]:
    """A workspace with customers; tests that remove it bring it back."""
    connection.set_schema_to_public()
    tenant = new_isp()
    with passing(tenant):
        yield tenant


@pytest.fixture(scope="module")
def archive(isp: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It, as a file."""
    path = tmp_path_factory.mktemp("archive") / "isp.dotmac"
    export_schema(isp, path)
    return path


@pytest.fixture
def copy(database: str, isp: Tenant) -> Iterator[str]:
    """Another slug, free before and after."""
    slug = f"{isp.slug}-copy"
    with passing(Tenant(schema_name=f"w_{slug.replace('-', '_')}", slug=slug)):
        yield slug
