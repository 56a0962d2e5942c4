"""A tenant that goes into a file and comes back: the same rows, and a log that goes on."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from django.db import connection

from apps.events.models import Event
from apps.events.verifying import verify
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import app_labels, schema_exists, schema_of
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.transfer.archive import ArchiveReader
from apps.tenancy.transfer.exporting import Progress, export_schema
from apps.tenancy.transfer.importing import import_archive
from apps.work.models import Mark
from tests.live import module_database
from tests.operations.nursery import until
from tests.tenancy.moving import (
    archive,
    copy,
    database,
    isp,
    new_isp,
    passing,
    remove,
    rows_of,
    seal_all,
    standing,
)
from tests.tenancy.releases import NOTE, columns, newest, release, write

__all__ = ["archive", "copy", "database", "isp", "module_database", "release"]

_ROOT = Path(__file__).resolve().parents[2]
# The import's own event, whose note is the clock's; sessions stay where they are.
_OWN = ("events_event", "django_session", "usersessions_usersession", "events_checkpoint")


def events_of(schema: str) -> list[tuple[object, ...]]:
    with schema_of(schema):
        rows = Event.objects.exclude(type__startswith="tenant.").order_by("id")
        return list(rows.values_list("id", "uuid", "digest", "chain", "seal_no", "data"))


def test_rows_come_back_as_they_were_and_the_log_still_proves(
    database: str, isp: Tenant, archive: Path
) -> None:
    schema = isp.schema_name
    before, stood, told = rows_of(schema, *_OWN), standing(schema), events_of(schema)
    mark = Mark.objects.filter(schema=schema).values().get()
    assert len(before["subscribers_subscriber"]) == 30
    remove(isp)
    done = import_archive(archive)
    assert (done.tenant.schema_name, done.was_older, done.notes) == (schema, False, ())
    after = rows_of(schema, *_OWN)
    assert after.keys() == before.keys()
    for table, rows in before.items():
        if table == "django_migrations":
            # Those of other kinds' apps are noted anew, behind the others.
            own = {row for row in rows if row.split("\t")[0] in app_labels("workspace")}
            assert own <= set(after[table])
            assert len(after[table]) == len(rows)
        else:
            assert after[table] == rows, table
    assert events_of(schema) == told
    now = standing(schema)
    for name, stand in stood.items():
        moved = name in ("events_event_id_seq", "django_migrations_id_seq")
        assert now[name] >= stand if moved else now[name] == stand, name
    assert Mark.objects.filter(schema=schema).values().get() == mark
    with schema_of(schema):
        seal_all()
        report = verify()
        assert (report.findings, report.moves) == ([], [])
        assert report.erased > 0
        newest_one = Event.objects.get(type="tenant.imported")
        assert newest_one.data["from"] == schema
        newcomer = Subscriber.objects.create(number="S-new", name="New")
        assert newcomer.pk > max(Subscriber.objects.exclude(pk=newcomer.pk).values_list("pk"))[0]


def test_another_way_round_the_copy_says_what_the_first_says(
    isp: Tenant, archive: Path, copy: str, tmp_path: Path
) -> None:
    done = import_archive(archive, slug=copy)
    schema = done.tenant.schema_name
    again = tmp_path / "again.dotmac"
    export_schema(done.tenant, again)
    with archive.open("rb") as one, again.open("rb") as other:
        first = ArchiveReader(one, archive.stat().st_size).manifest
        second = ArchiveReader(other, again.stat().st_size).manifest
    assert (second.slug, second.schema_name, second.kind) == (copy, schema, "workspace")
    assert second.applied == first.applied
    tables = {table.name: table for table in second.tables}
    changed = {t.name for t in first.tables if tables[t.name].sha256 != t.sha256}
    # Two events, and signatures under the new name.
    assert changed == {"events_event", "events_checkpoint"}


def test_an_older_archive_is_loaded_as_it_was_and_migrated(
    isp: Tenant, copy: str, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "older.dotmac"
    export_schema(isp, archive)
    before = rows_of(isp.schema_name, *_OWN)
    write(release, "9001_note", NOTE, after=newest())
    # As the files of a release that is installed would make it.
    monkeypatch.setattr("apps.tenancy.templates.fingerprint", lambda kind: f"next {kind}")
    done = import_archive(archive, slug=copy)
    assert done.was_older
    schema = done.tenant.schema_name
    assert "note" in columns(schema)
    assert "note" not in columns(isp.schema_name)
    after = rows_of(schema, *_OWN)
    same = before.keys() - {"django_migrations", "django_content_type", "auth_permission"}
    for table in same - {"lists_savedview"}:
        assert after[table] == before[table], table
    with schema_of(schema):
        seal_all()
        assert verify().is_proven
        Subscriber.objects.create(number="S-later", name="Later")


def test_an_archive_holds_one_moment_while_others_write(database: str, tmp_path: Path) -> None:
    tenant = new_isp(5)
    with passing(tenant):

        def write_between(_progress: Progress) -> None:
            with schema_of(tenant.schema_name):
                number = Subscriber.objects.count()
                Subscriber.objects.create(number=f"B-{number}", name="Between")

        done = export_schema(tenant, tmp_path / "x", write_between)
        tables = {table.name: table.rows for table in done.tables}
        assert tables["subscribers_subscriber"] == 5
        with schema_of(tenant.schema_name):
            assert Subscriber.objects.count() > 5


def test_a_file_is_private_and_any_tar_opens_it(archive: Path, tmp_path: Path) -> None:
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert (names[0], names[-1]) == ("manifest.json", "manifest.sha256")
        assert "tables/subscribers_subscriber.copy" in names
        assert "tables/django_session.copy" not in names
        rows = tar.extractfile("tables/subscribers_subscriber.copy")
        assert rows is not None
        assert len(rows.read().splitlines()) >= 30
    if shutil.which("tar"):
        subprocess.run(["tar", "xf", archive, "-C", tmp_path], check=True)
        subprocess.run(
            [shutil.which("sha256sum") or "true", "-c"],
            cwd=tmp_path,
            input=f"{(tmp_path / 'manifest.sha256').read_text().strip()}  manifest.json\n",
            text=True,
            check=True,
        )


def test_an_export_that_is_given_up_leaves_no_file(isp: Tenant, tmp_path: Path) -> None:
    def give_up(_progress: Progress) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        export_schema(isp, tmp_path / "x", give_up)
    assert list(tmp_path.iterdir()) == []


def test_two_exports_to_one_name_leave_each_other_s_file_alone(isp: Tenant, tmp_path: Path) -> None:
    """As when a worker has lost its lease and goes on for a while beside its successor."""
    path = tmp_path / "x"
    others: list[Path] = []

    def another_begins_and_gives_up(progress: Progress) -> None:
        if others:
            return
        others.extend(tmp_path.iterdir())

        def give_up(_progress: Progress) -> None:
            assert len(list(tmp_path.iterdir())) == 2
            raise RuntimeError

        with pytest.raises(RuntimeError):
            export_schema(isp, path, give_up)
        assert list(tmp_path.iterdir()) == others
        assert export_schema(isp, path).tables
        assert path.exists()

    done = export_schema(isp, path, another_begins_and_gives_up)
    assert list(tmp_path.iterdir()) == [path]
    with path.open("rb") as file:
        assert ArchiveReader(file, path.stat().st_size).manifest == done


def test_no_table_is_ever_held_in_memory(database: str, tmp_path: Path, copy: str) -> None:
    tenant = new_isp(1)
    with passing(tenant):
        with schema_of(tenant.schema_name), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO core_tombstone (resource, uuid, deleted_at)"
                " SELECT 'x', gen_random_uuid(), now() FROM generate_series(1, 400000)"
            )
        tracemalloc.start()
        try:
            done = export_schema(tenant, tmp_path / "x")
            import_archive(tmp_path / "x", slug=copy)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert sum(table.bytes for table in done.tables) > 20_000_000
        assert peak < 12_000_000


_KILLED = """
import django, sys, time; django.setup()
from pathlib import Path
from apps.tenancy.transfer.exporting import export_schema, tenant_named
from apps.tenancy.transfer.importing import import_archive
def wait(progress):
    if progress.tables >= 40:
        print("there", flush=True)
        time.sleep(600)
path = Path(sys.argv[2])
if sys.argv[1] == "import":
    import_archive(path, slug=sys.argv[3], report=wait)
else:
    export_schema(tenant_named(sys.argv[3]), path, wait)
"""


def killed_in_the_middle(*words: object) -> None:
    """A process that is really killed when it has written or read forty tables."""
    command = [sys.executable, "-c", _KILLED, *map(str, words)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "there"
        os.kill(process.pid, signal.SIGKILL)


def test_an_import_that_is_killed_leaves_nothing_and_can_be_repeated(
    archive: Path, copy: str
) -> None:
    schema = f"w_{copy.replace('-', '_')}"
    killed_in_the_middle("import", archive, copy)
    until(lambda: _sessions() == 0, "The end of the killed one's session", 60)
    assert not schema_exists(schema)
    assert not Tenant.objects.filter(slug=copy).exists()
    assert not Domain.objects.filter(domain__startswith=copy).exists()
    assert not Mark.objects.filter(schema=schema).exists()
    assert import_archive(archive, slug=copy).tenant.schema_name == schema


def test_an_export_that_is_killed_leaves_no_file_of_that_name(isp: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "x"
    killed_in_the_middle("export", path, isp.schema_name)
    assert not path.exists()
    export_schema(isp, path)
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def _sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
        )
        return int(cursor.fetchone()[0])
