"""What leads to a moment, and what is kept: of records alone, without a server."""

from datetime import UTC, datetime, timedelta

import pytest

from dotmac.backups import BackupSet, MissingError, Repository
from dotmac.backups.choosing import choose, window
from dotmac.backups.records import Bundle, Generation, parse_bundle, stamp
from dotmac.backups.retention import Keep, kept, remaining, spare_bundles
from dotmac.backups.wal import next_segment, segment_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def hours(many: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=many)


def set_at(at: float, segment: int, *, parent: str = "", generation: int = 1) -> BackupSet:
    """A set that ended at an hour, whose WAL begins with a segment."""
    return BackupSet(
        name=f"set-{at}",
        kind="differential" if parent else "full",
        generation=generation,
        started_at=stamp(hours(at - 0.1)),
        finished_at=stamp(hours(at)),
        start_wal=f"{generation:08X}00000000{segment:08X}",
        server_version=18,
        system_id="1",
        version="0",
        read_bytes=1,
        parent=parent,
    )


def bundle(at: float, first: int, last: int | None = None, *, generation: int = 1) -> Bundle:
    """Segments that were carried together."""
    names = [f"{generation:08X}00000000{one:08X}" for one in (first, last or first)]
    made = parse_bundle(f"wal/{generation:04}/{stamp(hours(at))}_{names[0]}_{names[1]}.tar")
    assert made is not None
    return made


ALONE = Repository("x", (Generation("one", stamp(hours(0))),))


def test_the_newest_set_before_a_moment_and_the_wal_up_to_it() -> None:
    full = set_at(1, 1)
    day = set_at(3, 4, parent=full.name)
    bundles = [bundle(1, 1), bundle(2, 2, 3), bundle(3, 4), bundle(4, 5), bundle(5, 6)]
    route = choose(ALONE, [full, day], bundles, hours(3.5))
    assert route.sets == (full, day)
    assert [one.at for one in route.bundles] == [hours(3), hours(4)]
    assert choose(ALONE, [full, day], bundles, hours(2.5)).sets == (full,)
    assert window(ALONE, [full, day], bundles) == (hours(1), hours(5))


def test_a_missing_segment_ends_what_can_be_reached() -> None:
    bundles = [bundle(1, 1), bundle(2, 2), bundle(4, 4)]
    route = choose(ALONE, [set_at(1, 1)], bundles)
    assert route.reaches == hours(2)
    assert route.misses.endswith("03")
    with pytest.raises(MissingError, match="is missing"):
        choose(ALONE, [set_at(1, 1)], bundles, hours(3))


def test_what_a_rebuilt_machine_left_behind_leads_nowhere() -> None:
    """It went back to hour 2; the set of hour 3 is of what did not happen."""
    second = Generation("two", stamp(hours(4)), forked_at=stamp(hours(2)), timeline=2)
    both = Repository("x", (*ALONE.generations, second))
    sets = [set_at(1, 1), set_at(3, 3)]
    bundles = [bundle(1, 1), bundle(2, 2), bundle(3, 3), bundle(5, 3, generation=2)]
    newest = choose(both, sets, bundles)
    assert newest.sets == (sets[0],)
    assert newest.timeline == 2
    # A moment before the rebuild is one of the first machine's.
    assert choose(both, sets, bundles, hours(3)).sets == (sets[1],)


def test_days_and_weeks_are_kept_with_what_they_build_on() -> None:
    day = 24.0
    fulls = [set_at(day * 7 * week, 7 * week + 1) for week in range(8)]
    days = [set_at(day * (49 + n), 50 + n, parent=fulls[-1].name) for n in range(1, 7)]
    staying = kept([*fulls, *days], Keep(daily=3, weekly=2))
    assert [one.name for one in staying] == [
        fulls[-2].name,
        fulls[-1].name,
        *(one.name for one in days[-3:]),
    ]
    bundles = [bundle(day * n, n + 1) for n in range(0, 56)]
    gone = {one.at for one in spare_bundles(bundles, staying, Keep(daily=3, weekly=2))}
    assert hours(day * 10) in gone
    assert hours(day * 42) not in gone
    assert hours(day * 45) in gone
    assert hours(day * 54) not in gone


def test_what_is_older_than_a_promise_goes_with_what_builds_on_it() -> None:
    full, other = set_at(1, 1), set_at(9, 9)
    built, late = set_at(5, 5, parent=full.name), set_at(11, 11, parent=other.name)
    every, keep = [full, built, other, late], Keep(30, 1)
    assert remaining(every, keep, None) == every
    assert remaining(every, keep, hours(3)) == [other, late]
    # The newest is better than none, and is nothing without its parent.
    assert remaining(every, keep, hours(20)) == [other, late]
    assert remaining(every, keep, hours(10), is_left=True) == []
    assert remaining(every, keep, hours(3), is_left=True) == [other, late]
    assert remaining([], keep, hours(3)) == []


@pytest.mark.parametrize("keep", [Keep(), Keep(1, 1), Keep(30, 1), Keep(7, 10)], ids=str)
def test_nothing_is_kept_longer_than_is_said(keep: Keep) -> None:
    """A full backup each week and what changed each day, for half a year."""
    there: list[BackupSet] = []
    for day in range(180):
        full = next((one for one in reversed(there) if not one.parent), None)
        parent = full.name if full and day % 7 else ""
        there = kept([*there, set_at(24.0 * day, day + 1, parent=parent)], keep)
        assert hours(24.0 * day) - min(one.ended for one in there) <= keep.longest


def test_segments_are_counted_as_the_database_counts_them() -> None:
    assert next_segment("0000000100000000000000FF") == "000000010000000100000000"
    assert segment_of(1, "1/2000028") == "000000010000000100000002"
