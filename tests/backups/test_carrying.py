"""The worker that carries changes: what stops it for a while, and that nothing does for good."""

import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.backups import carrying, runner, services, ticks
from apps.backups.constants import WAL
from apps.backups.models import BackupTarget
from apps.backups.targets import target_as_it_is
from apps.events.actors import SYSTEM
from apps.work import jobs
from apps.work.constants import STALLS_ALLOWED
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import beats, detail_of
from dotmac.backups import Target
from tests.backups.acts import Server, write
from tests.backups.carrier import Run, come_again, enter

pytestmark = pytest.mark.usefixtures("operator_schema", "own_database")


@pytest.fixture
def mounted(far_folder: Path) -> Path:
    """A directory as the place off site."""
    made = far_folder / "mounted"
    made.mkdir()
    enter(Target("directory", str(made)))
    return made


def carrier() -> Due:
    """The work that carries."""
    return Due.objects.get(kind=WAL)


def test_a_disk_that_is_full_is_told_and_carried_on_from(
    mounted: Path, server: Server, run_due: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What needs room for a moment finds none.
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(mounted / "not" / "there"))
        for _turn in range(2 * STALLS_ALLOWED + 1):
            come_again(run_due)
    assert "No such file" in target_as_it_is().last_error
    assert (carrier().state, carrier().stalls) == ("waiting", 0)
    write(server, "kept")
    come_again(run_due)
    assert target_as_it_is().last_error == ""
    assert list((mounted / "wal").rglob("*.bin"))


def test_a_database_that_is_away_for_a_while_is_told_and_carried_on_from(
    mounted: Path, run_due: Run, settings: Any
) -> None:
    served = settings.DATABASES["default"]
    settings.DATABASES = {"default": {**served, "PORT": 1}}
    come_again(run_due)
    assert "connection" in target_as_it_is().last_error
    settings.DATABASES = {"default": served}
    come_again(run_due)
    assert target_as_it_is().carried_at


def test_an_upload_that_goes_while_it_is_looked_at_stops_nothing(
    mounted: Path, run_due: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = carrying.archives._files

    def and_one_that_is_gone(places: carrying.archives.Places) -> list[tuple[str, Path]]:
        return [*found(places), ("media/gone.png", Path("/not/there"))]

    monkeypatch.setattr(carrying.archives, "_files", and_one_that_is_gone)
    come_again(run_due)
    assert target_as_it_is().last_error == ""
    assert list((mounted / "files").iterdir())


def test_a_carrier_that_was_abandoned_is_called_again_by_the_clock(
    mounted: Path, run_due: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_given: object) -> None:
        raise TypeError("A mistake of ours.")

    with monkeypatch.context() as patched:
        patched.setattr(carrying, "_turn", mistaken)
        for _try in range(2 * STALLS_ALLOWED + 1):
            Due.objects.filter(kind=WAL).update(due_at=timezone.now())
            with suppress(TypeError):
                jobs.run(str(carrier().pk))
    assert carrier().state == "failed"
    tick = next(beat.run for beat in beats() if beat.name == "backups.carry")
    assert tick()
    assert not tick()
    run_due()
    assert target_as_it_is().carried_at


def test_whoever_repeats_it_by_hand_is_heard(mounted: Path, run_due: Run, olga: User) -> None:
    Due.objects.filter(kind=WAL).update(state="failed")
    assert "as long as backups are on" in detail_of(WAL).steer("all", "cancel", olga)
    assert detail_of(WAL).steer("all", "retry", olga) == ""
    run_due()
    assert target_as_it_is().carried_at


@pytest.mark.parametrize(("kind", "place"), [("backup", "_done"), (WAL, "_turn")])
def test_whoever_carries_has_a_day_for_it(
    mounted: Path, run_due: Run, monkeypatch: pytest.MonkeyPatch, kind: str, place: str
) -> None:
    """100 GB over 100 Mbit/s take more than two hours, and are read back then."""
    left: list[float] = []

    def notes(*given: Any) -> dict[str, Any]:
        lease = next(one for one in given if isinstance(one, Lease))
        left.append(lease.works_until - time.monotonic())
        return {}

    monkeypatch.setattr(runner if kind == "backup" else carrying, place, notes)
    services.ask("full", actor=SYSTEM)
    run_due()
    assert left[0] > 20 * 3600


def test_nobody_is_called_while_backups_are_off(mounted: Path) -> None:
    BackupTarget.objects.update(is_on=False)
    Due.objects.filter(kind=WAL).delete()
    assert not ticks._carry()
    assert not Due.objects.exists()
