"""All tenants brought to a release, against django-tenants' own way on some of them."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from django.db import connection
from django.test import override_settings
from django_tenants.migration_executors.base import run_migrations

from apps.tenancy.migrating.behind import look
from apps.tenancy.migrating.fleet import Progress, migrate_fleet
from apps.tenancy.models import Tenant
from apps.tenancy.templates import create_schema
from tests.bench.result import Result, ratio
from tests.live_platform import ROOT

_STOCK = 50
# What the command's parser would set; all of it off.
_OPTIONS = (
    "interactive",
    "run_syncdb",
    "app_label",
    "migration_name",
    "fake",
    "fake_initial",
    "plan",
    "force_color",
    "no_color",
    "check_unapplied",
    "prune",
)
_COLUMN = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("lists", "{after}")]
    note = models.CharField(max_length=9, default="")
    operations = [migrations.AddField("savedview", "note", note)]
"""


def measure(many: int) -> list[Result]:
    """Nothing to do, then one new column; stock's seconds on 50 are scaled to all."""
    schemas = _tenants(many)
    some = schemas[:_STOCK]
    idle_stock = _stock(some) * many / _STOCK
    idle = [_ours(schemas) for _turn in range(3)]
    with tempfile.TemporaryDirectory() as folder, _release(Path(folder)):
        column_stock = _stock(some) * many / _STOCK
        behind = look(schemas).count
        column = _ours(schemas) * many / behind
    return [
        ratio(
            f"migrate_fleet over {many:,} tenants, nothing to do, against stock on 50, scaled",
            idle,
            [idle_stock],
            1 / 50,
        ),
        ratio("the same with one new column", [column], [column_stock], 1 / 10),
    ]


def _tenants(many: int) -> list[str]:
    names = [f"c_many{number}" for number in range(many)]
    for name in names:
        create_schema(name)
    Tenant.objects.bulk_create(
        Tenant(schema_name=name, kind="console", slug=name[2:], name=name) for name in names
    )
    return names


def _quiet(_progress: Progress, _what: str) -> None:
    """Nobody watches."""


def _ours(schemas: list[str]) -> float:
    connection.close()
    start = time.perf_counter()
    done = migrate_fleet(_quiet, only=schemas)
    assert not done.failed, done.failed
    return time.perf_counter() - start


def _stock(schemas: list[str]) -> float:
    """Seconds of what `migrate_schemas` does with each of them."""
    options = dict.fromkeys(_OPTIONS, None) | {
        "verbosity": 0,
        "database": "default",
        "skip_checks": True,
    }
    start = time.perf_counter()
    for name in schemas:
        run_migrations([], options, "standard", name, allow_atomic=True)
    return time.perf_counter() - start


def _release(folder: Path) -> override_settings:
    package = shutil.copytree(ROOT / "apps/lists/migrations", folder / "release_next")
    newest = max(file.stem for file in package.glob("[0-9]*.py"))
    (package / "9001_note.py").write_text(_COLUMN.format(after=newest))
    sys.path.insert(0, str(folder))
    return override_settings(MIGRATION_MODULES={"lists": "release_next"})
