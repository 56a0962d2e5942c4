"""The place off site is away for as long as it likes, and comes back: what the worker does."""

import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.backups import carrying, services, watching
from apps.backups.models import BackupAlarm, BackupRun, BackupTarget
from apps.backups.targets import store_of, target_as_it_is
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import PUBLIC
from dotmac.backups import Database, MissingError, Store, Target
from dotmac.backups.choosing import Route, choose
from dotmac.backups.records import read_bundles, read_repository, read_sets
from dotmac.backups.wal import SEGMENT_BYTES, waiting_in
from tests.backups.acts import Server, close, restored, write
from tests.backups.carrier import Run, come_again, enter
from tests.backups.offsite import Offsite
from tests.notifications.conftest import show_events

pytestmark = [
    pytest.mark.usefixtures("operator_schema", "own_database"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def place(far_folder: Path, server: Server, run_due: Run) -> Iterator[Offsite]:
    """A place of this test's own, with a full backup of the database there."""
    made = Offsite(far_folder / "place")
    made.start()
    enter(made.target)
    services.ask("full", actor=SYSTEM)
    run_due()
    assert BackupRun.objects.get().status == "done", BackupRun.objects.get().error
    # One of the restore is not due either.
    now = timezone.now()
    BackupRun.objects.create(kind="test", status="done", slot=None, finished_at=now)
    yield made
    made.stop()


@pytest.fixture
def narrow(place: Offsite, olga: User, monkeypatch: pytest.MonkeyPatch) -> Offsite:
    """The place of a platform where so much is changed that its bound is small: two segments."""
    BackupTarget.objects.update(wal_limit_gb=2)
    monkeypatch.setattr(carrying, "_GIGABYTE", SEGMENT_BYTES)
    return place


def there() -> Store:
    """What the platform has off site."""
    return store_of(target_as_it_is())


def test_a_quiet_day_without_the_place_costs_nothing_and_every_moment_of_it_comes_back(
    place: Offsite, cluster: Database, server: Server, far_folder: Path, run_due: Run
) -> None:
    come_again(run_due)
    place.stop()
    moments = []
    for turn in range(5):
        moments.append(write(server, f"turn {turn}"))
        come_again(run_due)
        # A day has 960 turns; a segment for each would be 15 GiB.
        assert waiting_in(cluster.spool) == []
    # What the database closes by itself, when a segment is full, waits.
    full = close(server, cluster)
    write(server, "late")
    come_again(run_due)
    assert [file.name for file in waiting_in(cluster.spool)] == [full]
    target = target_as_it_is()
    assert target.failing_since
    assert target.waiting_bytes == SEGMENT_BYTES
    long_ago = timezone.now() - timedelta(hours=25)
    BackupTarget.objects.update(failing_since=long_ago)
    watching.look()
    assert BackupAlarm.objects.filter(name="away").exists()
    place.start()
    come_again(run_due)
    watching.look()
    assert not BackupAlarm.objects.exists()
    assert waiting_in(cluster.spool) == []
    assert target_as_it_is().gap_at is None
    with restored(cluster, there(), far_folder, moments[2]) as notes:
        assert notes == ["turn 0", "turn 1", "turn 2"]
    with restored(cluster, there(), far_folder) as notes:
        assert notes == ["late", *(f"turn {turn}" for turn in range(5))]


def test_what_is_given_up_is_told_at_once_and_a_full_backup_closes_the_gap(
    narrow: Offsite, cluster: Database, server: Server, far_folder: Path, run_due: Run
) -> None:
    narrow.stop()
    lost = write(server, "lost")
    names = [close(server, cluster)]
    for text in ("second", "third"):
        write(server, text)
        names.append(close(server, cluster))
    come_again(run_due)
    assert [file.name for file in waiting_in(cluster.spool)] == names[1:]
    watching.look()
    show_events(PUBLIC)
    assert Alert.objects.filter(kind="backup.gap", resolved_at=None).exists()
    # A backup is asked for and fails: the place is away still.
    assert services.ask_what_is_due()
    run_due()
    assert BackupRun.objects.latest("pk").status == "failed"
    assert services.kind_due(timezone.now() + timedelta(minutes=6)) == ""
    narrow.start()
    come_again(run_due)
    with pytest.raises(MissingError, match=f"segment {names[0]} is missing"):
        _route(there(), lost + timedelta(microseconds=1))
    # Carried again, and the gap is as open as before.
    assert watching.look() == 0
    assert services.kind_due(timezone.now() + timedelta(minutes=6)) == "full"
    services.ask("full", actor=SYSTEM)
    run_due()
    watching.look()
    show_events(PUBLIC)
    assert not BackupAlarm.objects.exists()
    assert not Alert.objects.filter(resolved_at=None).exists()
    after = write(server, "after")
    write(server, "later")
    come_again(run_due)
    with restored(cluster, there(), far_folder, after) as notes:
        assert notes == ["after", "lost", "second", "third"]


def test_a_backup_that_was_under_way_when_changes_were_given_up_does_not_close_the_gap(
    place: Offsite,
) -> None:
    run = services.ask("full", actor=SYSTEM)
    services.begin(run)
    BackupTarget.objects.update(gap_at=timezone.now())
    services.end_well(run, name="a set", size=5)
    assert services.has_gap(target_as_it_is())
    assert services.kind_due(timezone.now())


def test_for_a_place_that_is_full_one_segment_is_laid_aside_and_no_more(
    cluster: Database, server: Server, run_due: Run, far_folder: Path
) -> None:
    small = far_folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("Only root can make a place that is full.")
    try:
        server.execute("INSERT INTO note SELECT md5(random()::text) FROM generate_series(1, 1e5)")
        enter(Target("directory", str(small)))
        for _turn in range(3):
            come_again(run_due)
        assert "is full" in target_as_it_is().last_error
        assert len(waiting_in(cluster.spool)) == 1
    finally:
        subprocess.run(["umount", str(small)], check=True)


def _route(store: Store, at: datetime) -> Route:
    return choose(read_repository(store), read_sets(store), read_bundles(store), at)
