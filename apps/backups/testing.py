"""A restore test: the newest backup into a throw-away server, which is looked into."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings

from apps.backups.beside import beside
from dotmac.backups import BackupError, Database, Store
from dotmac.backups.restoring import Recovered

_FOLDER = "restore-test"
_TIMEOUT_S = 1800


def restore(server: Database, store: Store, *, beat: Callable[[], None]) -> dict[str, Any]:
    """What a restore found and how long it took; BackupError where it does not work.

    `recovery_point_s` is how old the newest change was that came back; `seconds` is the time from
    nothing to a database that answers.
    """
    began, now = time.monotonic(), datetime.now(UTC)
    with beside(server, store, _FOLDER, beat=beat) as (route, found):
        seconds = time.monotonic() - began
        return {"set": route.newest.name, "seconds": round(seconds, 1), **_seen(found, now)}


def _seen(found: Recovered, now: datetime) -> dict[str, Any]:
    name = settings.DATABASES["default"]["NAME"]
    with psycopg.connect(**found.connection, dbname=name) as connection:
        tenants = _one(connection, "SELECT count(*) FROM public.tenancy_tenant")
        schemas = _one(connection, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^[cw]_'")
        events = _one(connection, "SELECT count(*) FROM public.events_event")
        newest = _one(connection, "SELECT pg_last_xact_replay_timestamp()")
    _verify(found, name)
    lost = (now - newest).total_seconds() if newest else 0.0
    return {
        "tenants": tenants,
        "schemas": schemas,
        "events": events,
        "recovery_point_s": round(max(lost, 0.0), 1),
    }


def _one(connection: psycopg.Connection[Any], statement: Any) -> Any:
    row = connection.execute(statement).fetchone()
    return row[0] if row else None


def _verify(found: Recovered, name: str) -> None:
    """Have the operator's log proven, by the command that proves it anywhere."""
    url = f"postgres://postgres@{quote(str(found.sockets), safe='')}/{name}"
    ran = subprocess.run(
        [sys.executable, "manage.py", "prove_restored"],
        cwd=settings.BASE_DIR, env={**os.environ, "DATABASE_URL": url}, check=False,
        capture_output=True, text=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if ran.returncode:
        tail = " ".join((ran.stdout + ran.stderr).split()[-40:])
        raise BackupError(f"The restored event log does not prove: {tail}", permanent=True)
