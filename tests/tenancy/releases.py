"""Eight tenants, and a next release of one app: what is tried in tests of migrating."""

import shutil
import textwrap
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings

from apps.tenancy.kinds import schema_of
from apps.tenancy.migrating.fleet import Progress
from apps.tenancy.models import FailedMigration, Tenant
from apps.tenancy.services import create_tenant
from apps.tenancy.templates import drop_schema
from tests.live import module_database

__all__ = ["module_database"]

_ROOT = Path(__file__).resolve().parents[2]
_NUMBERS = count()
SLUGS = [f"isp{number:02}" for number in range(8)]


def quiet(_progress: Progress, _what: str) -> None:
    """Nobody watches."""


@pytest.fixture
def database(module_database: str) -> Iterator[str]:
    """The module's database, in the operator's schema."""
    connection.set_schema_to_public()
    yield module_database
    connection.set_schema_to_public()


@pytest.fixture
def tenants(database: str) -> Iterator[list[str]]:
    """Eight consoles beside the others, gone after the test."""
    schemas = [
        create_tenant(
            kind="console", slug=slug, name=slug, host=f"{slug}.dotmac.localhost"
        ).schema_name
        for slug in SLUGS
    ]
    yield schemas
    for schema in schemas:
        drop_schema(schema)
    Tenant.objects.filter(slug__in=SLUGS).delete()
    FailedMigration.objects.all().delete()


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The migrations of `lists` as a package that a next release adds to."""
    name = f"probe{next(_NUMBERS)}"
    folder = shutil.copytree(_ROOT / "apps/lists/migrations", tmp_path / name)
    monkeypatch.syspath_prepend(tmp_path)
    with override_settings(MIGRATION_MODULES={"lists": name}):
        yield folder


def write(folder: Path, name: str, operations: str, *, after: str, head: str = "") -> None:
    """A migration file of `lists` that follows `after`."""
    text = f"""
        from django.db import migrations, models
        import uuid
        {head}
        class Migration(migrations.Migration):
            dependencies = [("lists", "{after}")]
            operations = [{operations}]
    """
    (folder / f"{name}.py").write_text(textwrap.dedent(text))


def newest() -> str:
    """The last migration of `lists` in this release."""
    folder = _ROOT / "apps/lists/migrations"
    return max(file.stem for file in folder.glob("[0-9]*.py") if not file.stem.startswith("9"))


NOTE = 'migrations.AddField("savedview", "note", models.CharField(max_length=9, default="50%"))'


def columns(schema: str) -> set[str]:
    """The columns of the saved views of a schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = 'lists_savedview'",
            [schema],
        )
        return {name for (name,) in cursor.fetchall()}


def applied(schema: str) -> int:
    """How often the probe's migration is noted."""
    with schema_of(schema):
        return MigrationRecorder.Migration.objects.filter(app="lists", name__startswith="9").count()
