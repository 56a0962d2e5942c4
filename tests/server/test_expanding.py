"""Migrations let the release before them go on."""

import json
from pathlib import Path

import pytest
from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState

from dev.lint import expanding

OPERATIONS = {
    "RemoveField lists.view.name": migrations.RemoveField("view", "name"),
    "DeleteModel lists.view": migrations.DeleteModel("View"),
    "RenameField lists.view.name": migrations.RenameField("view", "name", "title"),
    "RenameModel lists.view": None,
    "AlterModelTable lists.view": migrations.AlterModelTable("view", "another"),
    "AddField lists.view.note": migrations.AddField(
        "view", "note", models.CharField(max_length=9, default="")
    ),
    "AlterField lists.view.name": migrations.AlterField(
        "view", "name", models.CharField(max_length=20)
    ),
    "AlterField lists.view.size": migrations.AlterField("view", "size", models.IntegerField()),
    "AddConstraint lists.view.one": migrations.AddConstraint(
        "view", models.UniqueConstraint(fields=["name"], name="one")
    ),
    "RunSQL SET NOT NULL": migrations.RunSQL("ALTER TABLE x ALTER COLUMN y SET NOT NULL"),
}
OPERATIONS["RenameModel lists.view"] = migrations.RenameModel("View", "Look")
EXPANDING = [
    migrations.AddField("view", "note", models.CharField(max_length=9, default="", db_default="")),
    migrations.AddField("view", "seen_at", models.DateTimeField(null=True)),
    migrations.AlterField("view", "name", models.CharField(max_length=90)),
    migrations.AlterField("view", "name", models.TextField()),
    migrations.AddIndex("view", models.Index(fields=["name"], name="by_name")),
    migrations.RunSQL("CREATE INDEX CONCURRENTLY z ON x (y)"),
]


def state() -> ProjectState:
    """One model that the release before has."""
    known = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=60)),
        ("size", models.IntegerField(null=True)),
    ]
    known.add_model(ModelState("lists", "View", fields))
    return known


def migration(*operations: object, **attributes: object) -> migrations.Migration:
    """One of lists."""
    made = migrations.Migration("0002_next", "lists")
    made.operations = list(operations)
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def found(*operations: object, **attributes: object) -> list[str]:
    """What is found in it."""
    return list(expanding.findings(migration(*operations, **attributes), state(), set()))


@pytest.mark.parametrize("what", OPERATIONS)
def test_what_the_release_before_would_not_bear_is_named(what: str) -> None:
    assert found(OPERATIONS[what]) == [what]


@pytest.mark.parametrize("operation", EXPANDING)
def test_what_expands_passes(operation: object) -> None:
    assert found(operation) == []


@pytest.mark.parametrize("what", OPERATIONS)
def test_a_second_step_is_stated_with_its_reason(what: str) -> None:
    assert found(OPERATIONS[what], second_step={what: "Nothing reads it since 0.3."}) == []


def test_a_statement_of_what_is_not_done_is_found() -> None:
    (line,) = found(second_step={"RemoveField lists.view.name": "Gone."})
    assert line == "second_step names RemoveField lists.view.name, which is not done here"


def test_a_model_that_is_new_itself_may_be_changed_at_will() -> None:
    made = migrations.CreateModel("Fresh", [("id", models.BigAutoField(primary_key=True))])
    assert found(made, migrations.AddField("fresh", "size", models.IntegerField())) == []


def test_a_part_that_only_the_database_sees_is_looked_into() -> None:
    inner = migrations.SeparateDatabaseAndState([migrations.RemoveField("view", "name")], [])
    assert found(inner) == ["RemoveField lists.view.name"]


def test_a_package_s_migration_is_held_too_and_accepted_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As if the release before had had an older one of the package that keeps addresses."""
    older = json.loads(expanding.BASELINE.read_text()) | {"account": "0001_initial"}
    monkeypatch.setattr(expanding, "BASELINE", tmp_path / "expanding.json")
    expanding.BASELINE.write_text(json.dumps(older))
    found = expanding.check()
    assert found
    assert all(line.startswith("account.0") for line in found)
    accepted: dict[str, dict[str, str]] = {}
    for line in found:
        name, what = line.split(": ")
        accepted.setdefault(name, {})[what] = "Nothing of ours writes it."
    monkeypatch.setattr(expanding, "ACCEPTED", accepted)
    assert expanding.check() == []


def test_the_migrations_of_this_release_let_the_one_before_go_on() -> None:
    assert expanding.check() == []
