"""What a group of tenants is to be migrated by: made once, heard once, replayed for the others."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.auth.management import (  # type: ignore[attr-defined]
    _get_all_permissions,
)
from django.db import connection
from django.db.migrations import Migration, RenameModel, SeparateDatabaseAndState
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, Field

from apps.tenancy.kinds import app_labels
from apps.tenancy.migrating.behind import Group, Key

_TYPES = """
    INSERT INTO django_content_type (app_label, model)
    SELECT app_label, model FROM jsonb_to_recordset(%s) AS t(app_label text, model text)
    ON CONFLICT DO NOTHING"""
_PERMISSIONS = """
    INSERT INTO auth_permission (name, content_type_id, codename)
    SELECT p.name, t.id, p.codename
    FROM jsonb_to_recordset(%s) AS p(app_label text, model text, codename text, name text)
    JOIN django_content_type t USING (app_label, model)
    ON CONFLICT DO NOTHING"""
_RECORDED = """
    INSERT INTO django_migrations (app, name, applied)
    SELECT app, name, now() FROM jsonb_to_recordset(%s) AS m(app text, name text)"""


@dataclass(frozen=True)
class _Act:
    """One operation of a migration with the models before and after it."""

    operation: Operation
    before: ProjectState
    after: ProjectState


@dataclass
class Step:
    """One migration; `sql` is what it came to in the first tenant, if that is the same in all."""

    migration: Migration
    acts: tuple[_Act, ...]
    sql: str | None = None

    @property
    def key(self) -> Key:
        """The app and the name."""
        return self.migration.app_label, self.migration.name

    @property
    def is_pure(self) -> bool:
        """Whether it is SQL that depends on the schema alone."""
        return self.migration.atomic and all(_is_pure(act.operation) for act in self.acts)

    def run(self, *, replay: bool = True) -> None:
        """Apply it in the current schema, by the SQL where that is known."""
        if replay and self.sql is not None:
            _execute(self.sql)
            return
        with connection.schema_editor(atomic=self.migration.atomic) as editor:
            for act in self.acts:
                act.operation.database_forwards(
                    self.migration.app_label, editor, act.before, act.after
                )

    def heard(self) -> str | None:
        """Apply it and return its SQL; None when it is not the same in every schema."""
        if not self.is_pure:
            self.run()
            return None
        with _listening() as statements:
            self.run()
        return "\n;\n".join(statements)


@dataclass
class Plan:
    """The steps that bring every schema of a group to this release."""

    kind: str
    steps: tuple[Step, ...]
    # What is noted as applied: the steps', and what squashed ones stand for.
    recorded: tuple[Key, ...]
    # Whether its steps have run in one schema; until then one schema at a time.
    is_tried: bool = False
    _rows: dict[str, str] = field(default_factory=dict)

    @property
    def is_atomic(self) -> bool:
        """Whether a schema can be brought up in one transaction."""
        return all(step.migration.atomic for step in self.steps)

    def note(self, keys: tuple[Key, ...]) -> None:
        """Record migrations of the current schema as applied."""
        rows = json.dumps([{"app": app, "name": name} for app, name in keys])
        _execute(_RECORDED, [rows])

    def add_types(self) -> None:
        """Give the current schema the content types and permissions of its models."""
        if not self._rows:
            self._rows.update(_types_and_permissions(self.kind))
        _execute(_TYPES, [self._rows["types"]])
        _execute(_PERMISSIONS, [self._rows["permissions"]])


def plan_for(group: Group) -> Plan | None:
    """How to migrate a group; None when only Django's own command can.

    That is so where a squashed migration is half applied, and where a model is renamed, whose
    content type Django renames with it.
    """
    loader = MigrationLoader(None, ignore_no_migrations=True)
    own, applied = app_labels(group.kind), _with_squashed(loader, group.applied)
    state, steps = ProjectState(real_apps=loader.unmigrated_apps), []
    for key in _in_order(loader):
        migration = loader.graph.nodes[key]
        if key[0] not in own:
            continue
        if key in applied:
            migration.mutate_state(state, preserve=False)
        elif _needs_django(migration, applied):
            return None
        else:
            steps.append(_step(migration, state))
    missing = tuple(key for key in loader.graph.nodes if key[0] in own and key not in group.applied)
    return Plan(group.kind, tuple(steps), missing)


def steps_to(kind: str, applied: frozenset[Key]) -> tuple[Step, ...]:
    """What made a schema of a kind that stands at these migrations, from its beginning."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    state, wanted = ProjectState(real_apps=loader.unmigrated_apps), _with_squashed(loader, applied)
    keys = [key for key in _in_order(loader) if key in wanted and key[0] in app_labels(kind)]
    return tuple(_step(loader.graph.nodes[key], state) for key in keys)


def unknown_of(applied: frozenset[Key]) -> list[Key]:
    """Those that this release has no file of."""
    return sorted(applied - MigrationLoader(None, ignore_no_migrations=True).disk_migrations.keys())


def _with_squashed(loader: MigrationLoader, applied: frozenset[Key]) -> frozenset[Key]:
    whole = {
        key
        for key, migration in loader.replacements.items()
        if all(one in applied for one in migration.replaces)
    }
    return applied | whole


def _needs_django(migration: Migration, applied: frozenset[Key]) -> bool:
    is_half = any(tuple(one) in applied for one in migration.replaces)
    return is_half or any(isinstance(one, RenameModel) for one in migration.operations)


def _in_order(loader: MigrationLoader) -> list[Key]:
    """All migrations, each after those it depends on."""
    found: dict[Key, None] = {}
    for leaf in loader.graph.leaf_nodes():
        found.update(dict.fromkeys(loader.graph.forwards_plan(leaf)))
    return list(found)


def _step(migration: Migration, state: ProjectState) -> Step:
    """A step, with `state` carried past it.

    Its models are rendered before its first operation and kept up from there, as Django does it:
    each state by itself would be rendered whole, twice for each operation.
    """
    _render(state)
    acts, before = [], state.clone()
    for operation in migration.operations:
        operation.state_forwards(migration.app_label, state)
        after = state.clone()
        acts.append(_Act(operation, before, after))
        before = after
    return Step(migration, tuple(acts))


def _render(state: ProjectState) -> None:
    """Done once by the property itself."""
    _ = state.apps


def _is_pure(operation: Operation) -> bool:
    if isinstance(operation, SeparateDatabaseAndState):
        return all(_is_pure(one) for one in operation.database_operations)
    return bool(operation.reduces_to_sql) and not _asks_python(operation)


def _asks_python(operation: Operation) -> bool:
    """Whether rows get what a function says, once for each schema: a token, a time."""
    field = getattr(operation, "field", None)
    if not isinstance(field, Field) or field.has_db_default():
        return False
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return True
    return callable(field.default) and field.default not in (NOT_PROVIDED, dict, list)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """All that schema editors of this connection execute meanwhile."""
    heard: list[str] = []
    stock = connection.SchemaEditorClass

    class Listening(stock):  # type: ignore[misc, valid-type]
        def execute(self, sql: Any, params: Any = ()) -> None:
            text = str(sql)
            if params is not None:
                text = self.connection.ops.compose_sql(text, params)
            super().execute(text, None)
            heard.append(text.rstrip().rstrip(";"))

    settings: Any = connection
    settings.SchemaEditorClass = Listening
    try:
        yield heard
    finally:
        del settings.SchemaEditorClass


def _types_and_permissions(kind: str) -> dict[str, str]:
    types, permissions = [], []
    for label in sorted(app_labels(kind)):
        for model in apps.get_app_config(label).get_models():
            row = {"app_label": label, "model": str(model._meta.model_name)}
            types.append(row)
            permissions += [
                {**row, "codename": codename, "name": str(name)}
                for codename, name in _get_all_permissions(model._meta)
            ]
    return {"types": json.dumps(types), "permissions": json.dumps(permissions)}


def _execute(sql: str, params: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
