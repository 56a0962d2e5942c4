"""What the doctor says of backups."""

import pytest

from apps.backups import checkups
from apps.backups.models import BackupAlarm, BackupTarget
from apps.core.health import check_named

pytestmark = pytest.mark.usefixtures("operator_schema")


def said(monkeypatch: pytest.MonkeyPatch, *, own: bool = True, kit: bool = False) -> list[str]:
    """What it finds."""
    monkeypatch.setattr(checkups, "has_own_database", lambda: own)
    monkeypatch.setattr(checkups, "needs_kit", lambda _target: kit)
    found = check_named("backups")
    assert found is not None
    return [f"{one.status}: {one.said}" for one in found.look()]


def test_a_database_of_somebody_else_s_is_theirs_to_back_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (line,) = said(monkeypatch, own=False)
    assert line.startswith("warning: The database is not the platform's own")


def test_without_a_place_there_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = said(monkeypatch)
    assert line.startswith("warning: Nothing is backed up")


@pytest.mark.parametrize("name", BackupAlarm.Name.values)
def test_each_alarm_is_a_problem(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    BackupTarget.objects.create(address="/mnt/offsite", is_on=True)
    assert said(monkeypatch) == []
    BackupAlarm.objects.create(name=name, error="It is full.")
    (line,) = said(monkeypatch)
    assert line.startswith("problem: ")
    assert line.endswith(": It is full.")
    # By its own alert, and by that alone.
    found = check_named("backups")
    assert found is not None
    assert [one.is_told for one in found.look()] == [True]


def test_a_kit_that_is_missing_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    BackupTarget.objects.create(address="/mnt/offsite", is_on=True)
    assert said(monkeypatch, kit=True) == [
        "warning: Nobody has a recovery kit for the present keys."
    ]
