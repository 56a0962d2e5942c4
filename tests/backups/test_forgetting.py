"""Old backups go by the clock, wherever they lie, and as certificates of erasure say."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.backups import forgetting, services
from apps.backups.constants import FORGET
from apps.backups.former import drop_place
from apps.backups.models import BackupRun, BackupTarget, FormerPlace
from apps.backups.targets import longest_kept, store_of, target_as_it_is
from apps.core.health import check_named
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenants.models import Erasure
from apps.work.models import Due
from apps.work.registry import beats
from dotmac.backups import MissingError, Store, Target
from dotmac.backups.records import (
    BackupSet,
    Generation,
    Repository,
    read_repository,
    read_sets,
    stamp,
    write_repository,
    write_set,
)
from dotmac.crypto.secret import Secret
from tests.backups.carrier import Run, enter
from tests.backups.offsite import Offsite

pytestmark = [
    pytest.mark.usefixtures("operator_schema", "own_database", "server"),
    pytest.mark.timeout(600),
]


def put(store: Store, *, days: float, parent: str = "") -> str:
    """A backup that was made so long ago, as far as anybody looks at it; its name."""
    at = timezone.now() - timedelta(days=days)
    kind = "differential" if parent else "full"
    name = f"{stamp(at)}-{kind}"
    store.write(f"sets/{name}/base.tar.gz", b"files")
    segment = f"00000001000000000000{int(1000 - days):04X}"
    store.write(f"wal/0001/{stamp(at)}_{segment}_{segment}.tar", b"changes")
    store.write(f"files/{stamp(at)}.tar.gz", b"keys")
    made = BackupSet(
        name, kind, 1, stamp(at), stamp(at), segment, 18, "1", "0", 5, parent=parent
    )  # fmt: skip
    write_set(store, made)
    return name


def there() -> Store:
    """The present place."""
    return store_of(target_as_it_is())


def names(store: Store) -> list[str]:
    """The backups that count there."""
    return [one.name for one in read_sets(store)]


def old(store: Store, below: str) -> list[str]:
    """What `put` has put there."""
    now = stamp(timezone.now() - timedelta(hours=1))
    return [one.name for one in store.list(below) if one.name.rpartition("/")[2] < now]


def day_passes(run_due: Run) -> None:
    """The clock's tick, and the worker."""
    next(beat.run for beat in beats() if beat.name == "backups.forget")()
    run_due()


def back_up(run_due: Run) -> None:
    """A real one."""
    run = services.ask("full", actor=SYSTEM)
    run_due()
    run.refresh_from_db()
    assert run.status == "done", run.error


@pytest.fixture
def mounted(far_folder: Path, run_due: Run) -> Path:
    """A directory as the place off site, with a repository in it."""
    made = far_folder / "mounted"
    made.mkdir()
    enter(Target("directory", str(made)))
    run_due()
    return made


@pytest.fixture
def far(far_folder: Path, run_due: Run) -> Iterator[Offsite]:
    """A service of this test's own as the place off site, with a repository in it."""
    made = Offsite(far_folder / "far")
    made.start()
    enter(made.target)
    run_due()
    yield made
    made.stop()


def erased(*, days: float, said: float) -> Erasure:
    """An organisation that was erased so long ago; its certificate names a day so far from now."""
    now = timezone.now()
    return Erasure.objects.create(
        organisation=uuid4(),
        name="Zephyr",
        slug=f"zephyr-{said:.0f}",
        asked_by="owner",
        asked_at=now,
        erased_at=now - timedelta(days=days),
        backups_until=now + timedelta(days=said),
    )


def doctor(name: str) -> list[str]:
    """What it says."""
    check = check_named(name)
    assert check is not None
    return [f"{one.status}: {one.said}" for one in check.look()]


def test_while_backups_are_off_old_ones_go_all_the_same(mounted: Path, run_due: Run) -> None:
    for days in (90, 60, 50, 37):
        put(there(), days=days)
    newest = put(there(), days=36)
    BackupTarget.objects.update(is_on=False)
    day_passes(run_due)
    # One is better than none.
    assert names(there()) == [newest]
    assert {entry.name.split("/")[1] for entry in there().list("sets")} == {newest}
    assert len(old(there(), "wal")) == len(old(there(), "files")) == 1
    seen = target_as_it_is().oldest_at
    assert seen
    assert abs(seen - (timezone.now() - timedelta(days=36))) < timedelta(minutes=5)
    assert longest_kept() == timedelta(days=35)
    BackupTarget.objects.update(keep_weekly=52)
    # They lie there still.
    assert longest_kept() == timedelta(days=371)


def test_a_promise_is_kept_though_more_is_kept_since(mounted: Path, run_due: Run) -> None:
    BackupTarget.objects.update(keep_weekly=52)
    before, after, now = (put(there(), days=days) for days in (50, 30, 1))
    built = put(there(), days=39, parent=before)
    erased(days=40, said=20)
    day_passes(run_due)
    assert names(there()) == [before, built, after, now]
    erased(days=40, said=0.5)
    day_passes(run_due)
    assert names(there()) == [after, now]
    assert doctor("promises") == []


def test_a_newest_backup_that_breaks_a_promise_is_told_and_goes_with_the_next(
    mounted: Path, run_due: Run
) -> None:
    old = put(there(), days=50)
    erased(days=40, said=-1)
    day_passes(run_due)
    assert names(there()) == [old]
    (line,) = doctor("promises")
    assert line.startswith(f"problem: {mounted} holds a backup of")
    assert line.endswith("Zephyr.")
    back_up(run_due)
    assert old not in names(there())
    assert len(names(there())) == 1
    assert doctor("promises") == []


def test_a_place_of_before_is_emptied_once_there_is_a_backup_elsewhere_also_after_an_outage(
    far: Offsite, far_folder: Path, run_due: Run
) -> None:
    place = there()
    put(place, days=36)
    put(place, days=3)
    elsewhere = far_folder / "elsewhere"
    elsewhere.mkdir()
    enter(Target("directory", str(elsewhere)))
    run_due()
    day_passes(run_due)
    # By its age the first is gone; the other is the last backup of all.
    assert len(names(place)) == 1
    back_up(run_due)
    day_passes(run_due)
    assert len(names(place)) == 1
    # A month later.
    erased(days=1, said=-1)
    said = doctor("promises")[0]
    assert said.startswith(f"problem: {far.target.address} holds a backup of")
    far.stop()
    day_passes(run_due)
    assert doctor("backups")[0].startswith(f"warning: Old backups at {far.target.address}")
    assert Due.objects.get(kind=FORGET).state == "waiting"
    far.start()
    Due.objects.filter(kind=FORGET).update(due_at=timezone.now())
    run_due()
    for below in ("sets", "wal", "files"):
        assert place.list(below) == []
    with pytest.raises(MissingError):
        read_repository(place)
    assert not FormerPlace.objects.exists()
    assert doctor("promises") == doctor("backups")[1:] == []
    assert len(names(there())) == 1


def test_what_another_machine_writes_to_by_now_is_left_to_it(
    mounted: Path, far_folder: Path, run_due: Run
) -> None:
    place = there()
    theirs = put(place, days=90)
    known = read_repository(place)
    made = Generation("the other machine", stamp(timezone.now()))
    write_repository(place, Repository(known.installation, (*known.generations, made)))
    day_passes(run_due)
    assert names(place) == [theirs]
    (far_folder / "elsewhere").mkdir()
    enter(Target("directory", str(far_folder / "elsewhere")))
    run_due()
    back_up(run_due)
    day_passes(run_due)
    assert names(place) == [theirs]
    assert not FormerPlace.objects.exists()


def test_who_comes_back_to_a_place_goes_on_there(
    mounted: Path, far_folder: Path, run_due: Run
) -> None:
    kept = put(there(), days=1)
    (far_folder / "elsewhere").mkdir()
    enter(Target("directory", str(far_folder / "elsewhere")))
    run_due()
    assert FormerPlace.objects.get().address == str(mounted)
    enter(Target("directory", f"{mounted}/"))
    assert FormerPlace.objects.get().address == str(far_folder / "elsewhere")
    run_due()
    assert target_as_it_is().last_error == ""
    back_up(run_due)
    assert names(there())[0] == kept


def test_another_user_of_the_same_place_is_no_other_place(far: Offsite, run_due: Run) -> None:
    before = target_as_it_is()
    place = far.target
    enter(Target("s3", place.address, "another", Secret("a new secret")))
    after = target_as_it_is()
    assert not FormerPlace.objects.exists()
    assert (after.token, after.is_begun, after.on_since) == (before.token, True, before.on_since)
    assert after.secret != before.secret


def test_who_emptied_a_place_by_hand_says_so(mounted: Path) -> None:
    place = FormerPlace.objects.create(
        kind="sftp", address="sftp://old/x", keep_daily=1, keep_weekly=1
    )
    drop_place(place.pk, actor=SYSTEM)
    drop_place(place.pk, actor=SYSTEM)
    assert not FormerPlace.objects.exists()
    assert Event.objects.filter(type="backup_place.removed").count() == 1


def test_nothing_is_asked_where_nothing_was_ever_begun(run_due: Run) -> None:
    day_passes(run_due)
    assert Due.objects.get(kind=FORGET).state == "done"
    assert forgetting.off_site() == []
    assert not BackupRun.objects.exists()
