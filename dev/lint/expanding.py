"""Migrations let the release before them go on: it serves while they run, and may come back.

What the release before reads must stay, and what it writes must still be taken. So a migration
expands: it adds tables, columns that may be empty or have a default in the database, and indexes.
What it takes away or narrows comes a release later, when nothing uses it any more, and says so:

    class Migration(migrations.Migration):
        second_step = {"RemoveField lists.savedview.note": "Nothing reads it since 0.3."}

A package's migrations come with it, are run the same, and say nothing: what of them was looked
into stands in `ACCEPTED`, with the reason why the release before bears it.

Held are all migrations newer than `expanding.json`, which is recorded with each release:

    python -m dev.lint.expanding --record
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import django
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field, ManyToManyField
from django.db.models.fields import NOT_PROVIDED

# By migration of a package: what it narrows, and why that is borne; as `second_step` has it.
ACCEPTED: dict[str, dict[str, str]] = {}
BASELINE = Path(__file__).with_name("expanding.json")
_TAKES_AWAY = (
    operations.RemoveField,
    operations.DeleteModel,
    operations.RenameField,
    operations.RenameModel,
    operations.AlterModelTable,
)
_NARROWING_SQL = re.compile(r"\b(DROP (?:TABLE|COLUMN)|RENAME|SET NOT NULL|ADD CONSTRAINT)\b", re.I)
# Each takes whatever those after it took.
_WIDER = {
    "TextField": {"CharField", "EmailField", "SlugField", "URLField"},
    "CharField": {"EmailField", "SlugField", "URLField"},
    "BigIntegerField": {"IntegerField", "SmallIntegerField", "PositiveIntegerField"},
    "IntegerField": {"SmallIntegerField", "PositiveSmallIntegerField"},
    "PositiveIntegerField": {"PositiveSmallIntegerField"},
}


def findings(migration: Migration, state: ProjectState, new_models: set[str]) -> Iterator[str]:
    """What in a migration the release before would not bear; `state` is that before it.

    Models that are newer than the release before may be changed at will: `new_models` holds their
    labels, and gets those that this migration makes.
    """
    name = f"{migration.app_label}.{migration.name}"
    stated = {**getattr(migration, "second_step", {}), **ACCEPTED.get(name, {})}
    for operation in migration.operations:
        for what in _of(migration.app_label, operation, state, new_models):
            if not stated.pop(what, ""):
                yield what
        operation.state_forwards(migration.app_label, state)
    yield from (f"second_step names {what}, which is not done here" for what in stated)


def _of(app: str, operation: Operation, state: ProjectState, new: set[str]) -> Iterator[str]:
    if isinstance(operation, operations.SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from _of(app, inner, state, new)
        return
    if isinstance(operation, operations.RunSQL):
        yield from (f"RunSQL {found}" for found in _sql(operation))
        return
    model = getattr(operation, "model_name", None) or getattr(operation, "name", "")
    label = f"{app}.{model.lower()}"
    if isinstance(operation, operations.CreateModel):
        new.add(label)
    elif label not in new:
        yield from _on_known(label, operation, state)


def _on_known(label: str, operation: Operation, state: ProjectState) -> Iterator[str]:
    kind = type(operation).__name__
    if isinstance(operation, _TAKES_AWAY):
        column = getattr(operation, "old_name", "") if kind == "RenameField" else ""
        column = column or (operation.name if kind == "RemoveField" else "")
        yield f"{kind} {label}{'.' if column else ''}{column}"
    elif isinstance(operation, operations.AddField) and _must_be_given(operation.field):
        yield f"AddField {label}.{operation.name}"
    elif isinstance(operation, operations.AlterField):
        app, _dot, model = label.partition(".")
        before = state.models[app, model].fields[operation.name]
        if _is_narrower(before, operation.field):
            yield f"AlterField {label}.{operation.name}"
    elif isinstance(operation, operations.AddConstraint):
        yield f"AddConstraint {label}.{operation.constraint.name}"
    elif isinstance(operation, operations.AlterUniqueTogether):
        yield f"AlterUniqueTogether {label}"


def _must_be_given(field: Field) -> bool:
    """Whether a row is refused that does not name the column, as the release before writes it."""
    if isinstance(field, ManyToManyField) or field.null or getattr(field, "generated", False):
        return False
    return field.db_default is NOT_PROVIDED


def _is_narrower(before: Field, after: Field) -> bool:
    if isinstance(after, ManyToManyField):
        return False
    old, new = before.get_internal_type(), after.get_internal_type()
    if old != new and old not in _WIDER.get(new, set()):
        return True
    if (before.null and not after.null) or (after.unique and not before.unique):
        return True
    lengths = before.max_length, after.max_length
    return new != "TextField" and lengths[1] is not None and (lengths[0] or 0) > lengths[1]


def _sql(operation: operations.RunSQL) -> Iterable[str]:
    given = operation.sql if isinstance(operation.sql, list | tuple) else [operation.sql]
    texts = (one if isinstance(one, str) else one[0] for one in given)
    return sorted({found[1].upper() for text in texts for found in _NARROWING_SQL.finditer(text)})


def check() -> list[str]:
    """All findings in migrations newer than the baseline, by name; our own and of packages."""
    loader = MigrationLoader(None)
    baseline = json.loads(BASELINE.read_text())
    new_models: set[str] = set()
    found = []
    for app, name in sorted(loader.disk_migrations):
        if name > baseline.get(app, ""):
            state = loader.project_state((app, name), at_end=False)
            migration = loader.disk_migrations[app, name]
            said = findings(migration, state.clone(), new_models)
            found += [f"{app}.{name}: {what}" for what in said]
    return found


def record() -> None:
    """Take the migrations of now for those of the release before."""
    newest = dict(sorted(MigrationLoader(None).disk_migrations))
    BASELINE.write_text(json.dumps(newest, indent=1, sort_keys=True) + "\n")


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    django.setup()
    if "--record" in sys.argv[1:]:
        record()
        return 0
    found = check()
    for line in found:
        print(line)
    if found:
        print("The release before would not go on; see the docstring of dev/lint/expanding.py.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
