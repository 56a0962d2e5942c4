"""Tenants that are held, exported, migrated by others or left half way while a release comes."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from apps.tenancy.migrating import fleet
from apps.tenancy.migrating.behind import look
from apps.tenancy.migrating.fleet import migrate_fleet
from apps.tenancy.migrating.plans import Plan, plan_for
from apps.tenancy.transfer import exporting
from tests.live import module_database
from tests.tenancy.releases import (
    NOTE,
    applied,
    database,
    newest,
    quiet,
    release,
    tenants,
    write,
)

__all__ = ["database", "module_database", "release", "tenants"]

_ROOT = Path(__file__).resolve().parents[2]


def test_a_tenant_whose_table_is_held_is_tried_again(
    tenants: list[str], release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    monkeypatch.setattr(fleet, "_LOCK_TIMEOUT_S", 1)
    holder = connection.copy()
    try:
        with holder.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '1500ms'")
            cursor.execute(f"BEGIN; LOCK TABLE {tenants[3]}.lists_savedview")
        assert migrate_fleet(quiet, only=tenants).failed == {}
    finally:
        holder.close()
    assert applied(tenants[3]) == 1


def test_a_tenant_that_is_being_exported_is_waited_for(
    tenants: list[str], release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    # Every try at a table is over long before the export is.
    monkeypatch.setattr(fleet, "_LOCK_TIMEOUT_S", 0.01)
    monkeypatch.setattr(fleet, "_TRIES", 1)
    is_held, is_over = threading.Event(), threading.Event()

    def export() -> None:
        with exporting._snapshot(tenants[3]):
            is_held.set()
            time.sleep(2)
            is_over.set()

    exporter = threading.Thread(target=export)
    exporter.start()
    assert is_held.wait(10)
    assert migrate_fleet(quiet, only=tenants).failed == {}
    assert is_over.is_set()
    exporter.join()
    assert applied(tenants[3]) == 1


def test_an_export_without_an_end_is_waited_for_once(
    tenants: list[str], release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    monkeypatch.setattr(fleet, "_EXPORT_S", 1)
    tries: list[str] = []
    begin = fleet._begin

    def counted(plan: Plan) -> None:
        tries.append(connection.schema_name)
        begin(plan)

    monkeypatch.setattr(fleet, "_begin", counted)
    with exporting._snapshot(tenants[3]):
        failed = migrate_fleet(quiet, only=tenants).failed
    assert list(failed) == [tenants[3]]
    assert "being exported" in failed[tenants[3]]
    assert tries.count(tenants[3]) == 1
    assert migrate_fleet(quiet, only=tenants).failed == {}


def test_a_tenant_that_was_migrated_meanwhile_is_left_alone(
    tenants: list[str], release: Path
) -> None:
    write(release, "9001_note", NOTE, after=newest())
    plan = plan_for(next(iter(look(tenants).groups)))
    assert plan is not None
    fleet.bring_up_by(plan, tenants[0])
    with pytest.raises(fleet.ChangedMeanwhileError):
        fleet.bring_up_by(plan, tenants[0])
    assert applied(tenants[0]) == 1


def test_a_run_that_was_killed_is_resumed_and_nothing_is_applied_twice(
    tenants: list[str], release: Path, database: str
) -> None:
    write(
        release, "9001_slow", f'{NOTE}, migrations.RunSQL("SELECT pg_sleep(0.3)")', after=newest()
    )
    code = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(release.parent)!r})
        import django; django.setup()
        from django.conf import settings
        settings.MIGRATION_MODULES = {{"lists": {release.name!r}}}
        from apps.tenancy.migrating.fleet import migrate_fleet
        migrate_fleet(lambda p, what: print(what, flush=True), jobs=2, only={tenants!r})
    """)
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=_ROOT, stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert run.stdout is not None
    seen = [line for line in (run.stdout.readline() for _turn in range(3)) if line]
    run.send_signal(signal.SIGKILL)
    run.wait(30)
    assert seen
    before = [schema for schema in tenants if applied(schema)]
    assert 0 < len(before) < len(tenants)
    done = migrate_fleet(quiet, only=tenants)
    assert done.failed == {}
    assert len(before) + done.total >= len(tenants)
    assert [applied(schema) for schema in tenants] == [1] * len(tenants)
