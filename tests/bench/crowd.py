"""The API with a thousand tenants: requests over all of them, against requests to one."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from apps.tenancy.kinds import schema_of
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.templates import create_schema
from apps.tenants.models import Organisation
from tests.bench.api import RATE, Server, server, steadily
from tests.bench.isp import large_isp
from tests.bench.memory import pss
from tests.bench.result import Result, percentile, spread
from tests.live_platform import APPS, LivePlatform

_SLUG = "bench-crowd"
_ROWS = 200
_SECONDS, _ROUNDS = 10, 6
# What an hour at some five requests a second is; after so many the memory is looked at again.
_LASTING = 18_000
_TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relkind = 'r'
    AND relname <> 'django_migrations'
"""


# Minutes before the memory is first looked at, requests a second, and how long it goes on.
_WARM_MIN, _QUIET_RATE, _HOUR_MIN = 5, 5, 60


def measure(platform: LivePlatform, many: int) -> list[Result]:
    """Each at a steady rate, in turns; then the memory of the web process."""
    with _crowd(platform, many) as (served, key, hosts):
        return _results(served, key, hosts)


def measure_hour(platform: LivePlatform, many: int) -> list[Result]:
    """The memory of the web process over an hour by the clock: some things grow with time."""
    with _crowd(platform, many) as (served, key, hosts):
        chosen = random.Random(7)

        def for_minutes(minutes: int) -> float:
            count = minutes * 60 * _QUIET_RATE
            steadily(served.port, key, lambda: chosen.choice(hosts), count, rate=_QUIET_RATE)
            return pss([served.pid])

        before, began = for_minutes(_WARM_MIN), time.monotonic()
        after = for_minutes(_HOUR_MIN)
        minutes = (time.monotonic() - began) / 60
        return [_grown(f"after {minutes:.0f} minutes at {_QUIET_RATE} a second", before, after)]


@contextmanager
def _crowd(platform: LivePlatform, many: int) -> Iterator[tuple[Server, str, list[str]]]:
    """A server, a key that is good everywhere, and the hosts of so many workspaces."""
    key = large_isp(platform, _SLUG, rows=_ROWS).key
    hosts = [f"{_SLUG}.{APPS}", *further_workspaces(_SLUG, many - 1)]
    with server(platform, hosts[0]) as served:
        yield served, key, hosts


def _results(served: Server, key: str, hosts: list[str]) -> list[Result]:
    chosen, many, port = random.Random(7), len(hosts), served.port

    def one() -> str:
        return hosts[0]

    def any_of_all() -> str:
        return chosen.choice(hosts)

    asked = iter(hosts * 2)
    steadily(port, key, lambda: next(asked, hosts[0]), 2 * many)
    alone, spread_out = [], []
    for _round in range(_ROUNDS):
        alone += steadily(port, key, one, RATE * _SECONDS)
        spread_out += steadily(port, key, any_of_all, RATE * _SECONDS)
    before = pss([served.pid])
    steadily(port, key, any_of_all, _LASTING, rate=10 * RATE)
    after = pss([served.pid])
    return [
        _slower(many, alone, spread_out),
        _grown(f"after {_LASTING:,} more of them", before, after),
    ]


def _slower(many: int, alone: list[float], spread_out: list[float]) -> Result:
    figure = percentile(spread_out, 0.95) / percentile(alone, 0.95)
    return Result(
        f"API p95 at {RATE} requests/s over {many:,} tenants, against to one of them",
        f"p95 {percentile(spread_out, 0.95) * 1000:.1f} ms, {spread(spread_out, unit='ms')}",
        f"p95 {percentile(alone, 0.95) * 1000:.1f} ms, {spread(alone, unit='ms')}",
        f"{figure:.2f} ×",
        "≤ 1.3 ×",
        figure <= 1.3,
    )


def _grown(when: str, before: float, after: float) -> Result:
    figure = after / before
    return Result(
        f"memory (PSS) of the web process {when}",
        f"{after:.0f} MB",
        f"{before:.0f} MB",
        f"{figure:.2f} ×",
        "≤ 1.1 ×",
        figure <= 1.1,
    )


def further_workspaces(of: str, count: int) -> list[str]:
    """Copies of an ISP's workspace, with its rows and so with its key; returns their hosts."""
    model = Organisation.objects.get(slug=of).workspace
    assert model is not None
    filled = _filled(model.schema_name)
    hosts = []
    for number in range(count):
        slug = f"{of.removeprefix('bench-')}{number}"
        name, host = f"w_{slug}", f"{slug}.{APPS}"
        with transaction.atomic():
            create_schema(name)
            _copy(filled, model.schema_name, name)
            tenant = Tenant.objects.create(
                schema_name=name, kind=model.kind, slug=slug, name=slug.title()
            )
            Domain.objects.create(tenant=tenant, domain=host, is_primary=True)
        hosts.append(host)
    with connection.cursor() as cursor:
        # As autovacuum and the checkpointer do within minutes.
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
    connection.close()
    return hosts


def _filled(schema: str) -> list[str]:
    """Tables with rows."""
    with schema_of(schema), connection.cursor() as cursor:
        cursor.execute(_TABLES, [schema])
        names = [name for (name,) in cursor.fetchall()]
        found = []
        for name in names:
            cursor.execute(f'SELECT EXISTS (SELECT 1 FROM "{name}")')  # nosec B608
            if cursor.fetchone()[0]:
                found.append(name)
    return found


def _copy(tables: list[str], source: str, target: str) -> None:
    with connection.cursor() as cursor:
        # Rows come in no order that foreign keys would like.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in tables:
            cursor.execute(f'DELETE FROM "{target}"."{name}"')  # nosec B608
            cursor.execute(
                f'INSERT INTO "{target}"."{name}" SELECT * FROM "{source}"."{name}"'  # nosec B608
            )
