"""`manage.py doctor` at three in the morning."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.core import health
from apps.events.models import Event
from apps.tenancy.kinds import schema_exists
from apps.tenancy.templates import create_schema

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def only(operator_schema: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three checks of the test's own beside all others."""
    monkeypatch.setattr(health, "_checks", dict(health._checks))
    for status in ("ok", "warning", "problem"):
        found = [] if status == "ok" else [health.Finding(status, "It is so.", "Do this.")]
        health.check(f"tests.{status}", status.title(), runbook="database-away")(
            lambda found=found: found
        )


def doctor(*arguments: str) -> tuple[int, str]:
    """Exit code and what was said."""
    said = io.StringIO()
    try:
        call_command("doctor", *arguments, stdout=said)
    except SystemExit as end:
        return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


@pytest.mark.parametrize(("name", "code"), [("ok", 0), ("warning", 1), ("problem", 2)])
def test_the_exit_code_is_that_of_the_worst(only: None, name: str, code: int) -> None:
    assert doctor("--only", f"tests.{name}")[0] == code


def test_the_worst_of_several_counts_and_each_says_what_to_do(only: None) -> None:
    code, said = doctor("--only", "tests")
    assert code == 2
    assert "✓ Ok (tests.ok)" in said
    assert "→ Do this." in said
    assert "docs/runbooks/database-away.md" in said


def test_programs_get_one_document(only: None) -> None:
    code, said = doctor("--json", "--only", "tests")
    found = json.loads(said)
    assert (code, found["status"]) == (2, "problem")
    assert [one["status"] for one in found["checks"]] == ["ok", "problem", "warning"]
    assert found["checks"][1]["findings"][0]["advice"] == "Do this."


def test_nothing_is_written(only: None) -> None:
    before = Event.objects.count()
    doctor()
    assert Event.objects.count() == before


def test_an_unknown_name_is_refused(only: None) -> None:
    with pytest.raises(CommandError, match="--list"):
        doctor("--only", "tests.nothing")


@pytest.mark.parametrize(("answer", "is_mended"), [("n", False), ("y", True)])
def test_mending_asks_first(
    operator_schema: None, monkeypatch: pytest.MonkeyPatch, answer: str, is_mended: bool
) -> None:
    create_schema("c__spare_lost")
    monkeypatch.setattr("builtins.input", lambda _question: answer)
    doctor("--only", "schemas.spares", "--mend")
    assert schema_exists("c__spare_lost") is not is_mended
    assert Event.objects.filter(type="check.mended").exists() is is_mended


def test_without_a_database_it_says_so_once_for_all() -> None:
    """In a process of its own, whose database is nowhere."""
    environment = {**os.environ, "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--json"],
        cwd=_ROOT,
        env={**environment, "DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    checks = json.loads(done.stdout)["checks"]
    away = [one for one in checks if "does not answer" in str(one["findings"])]
    assert len(away) == 1
    # What needs none is looked at all the same.
    assert {"settings.secrets", "redis"} <= {one["name"] for one in checks}
