"""Which backups are kept, and what goes: pure, and what deletes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dotmac.backups.rclone import Store
from dotmac.backups.records import (
    REPOSITORY,
    BackupSet,
    Bundle,
    from_stamp,
    read_bundles,
    read_sets,
)

# What a backup under way may have written and not counted yet.
_UNDER_WAY = timedelta(days=2)


@dataclass(frozen=True)
class Keep:
    """All of so many days back from the newest, and the newest of each of so many weeks."""

    daily: int = 7
    weekly: int = 4

    @property
    def longest(self) -> timedelta:
        """After which nothing is left of what was deleted: what is kept builds on a full backup
        that is up to a week older.
        """
        return timedelta(days=max(self.daily, 7 * self.weekly) + 7)


def kept(sets: Sequence[BackupSet], keep: Keep) -> list[BackupSet]:
    """The sets that stay, with those that they build on; the newest always."""
    newest_first = sorted(sets, key=lambda one: one.ended, reverse=True)
    names = {one.name for one in newest_first[:1]}
    names |= _of_the_days(newest_first, keep.daily)
    names |= _newest_of(newest_first, keep.weekly, lambda at: at.isocalendar()[:2])
    names |= {one.parent for one in sets if one.name in names and one.parent}
    return [one for one in sets if one.name in names]


def remaining(
    sets: Sequence[BackupSet], keep: Keep, gone: datetime | None, *, is_left: bool = False
) -> list[BackupSet]:
    """Of the sets that are kept those that hold nothing older than `gone`.

    The newest stays however old it is, with what it builds on: one is better than none. Not at a
    place that was left (`is_left`), since newer ones are elsewhere.
    """
    there = kept(sets, keep)
    newest = max(there, key=lambda one: one.ended, default=None)
    spared = {newest.name, newest.parent} if newest and not is_left else set()
    holds = {one.name: one.began for one in sets}
    since = {one.name: min(one.began, holds.get(one.parent, one.began)) for one in there}
    return [one for one in there if one.name in spared or gone is None or since[one.name] > gone]


def spare_bundles(bundles: Sequence[Bundle], sets: Sequence[BackupSet], keep: Keep) -> list[Bundle]:
    """WAL that no kept set needs: of the daily ones' days all stays, of older ones the end."""
    staying = kept(sets, keep)
    if not staying:
        return []
    newest_first = sorted(staying, key=lambda one: one.ended, reverse=True)
    days = _of_the_days(newest_first, keep.daily)
    from_then = min(one.began for one in staying if one.name in days or one is newest_first[0])
    needed = {bundle.name for bundle in bundles if bundle.at >= from_then}
    for one in staying:
        needed |= _needed_by(one, bundles)
    return [bundle for bundle in bundles if bundle.name not in needed]


def forget(
    store: Store,
    keep: Keep,
    now: datetime,
    *,
    gone: datetime | None = None,
    is_left: bool = False,
) -> datetime | None:
    """Delete what is past its time, and what `remaining` says; from when the oldest is that stays.

    None where nothing stays: then the place is empty.
    """
    sets, bundles = read_sets(store), read_bundles(store)
    left = remaining(sets, keep, gone, is_left=is_left)
    if not left and is_left:
        clear(store)
        return None
    staying = {one.name for one in left}
    names = [f"sets/{one.name}/set.json" for one in sets if one.name not in staying]
    # First what makes them count, then what they are made of.
    store.delete(names)
    whole = {one.name for one in sets}
    parts = [
        entry.name
        for entry in store.list("sets")
        if _is_past(entry.name.split("/")[1], staying, whole, now)
    ]
    rest = [*parts, *(one.name for one in spare_bundles(bundles, left, keep))]
    rest += _spare_files(store, left)
    store.delete(rest)
    return min((one.began for one in left), default=None)


def clear(store: Store) -> None:
    """Delete all of a repository; what says whose it is goes last."""
    store.delete([entry.name for entry in store.list("sets") if entry.name.endswith("/set.json")])
    for below in ("sets", "wal", "files"):
        store.delete([entry.name for entry in store.list(below)])
    store.delete([REPOSITORY])


def _of_the_days(newest_first: Sequence[BackupSet], many: int) -> set[str]:
    """Several of one day all stay: a later one does not lead to a moment before it."""
    from_then = newest_first[0].ended - timedelta(days=many) if newest_first else None
    return {one.name for one in newest_first if from_then and one.ended > from_then}


def _newest_of(
    newest_first: Iterable[BackupSet], many: int, period: Callable[[datetime], object]
) -> set[str]:
    seen: dict[object, str] = {}
    for one in newest_first:
        if period(one.ended) not in seen and len(seen) < many:
            seen[period(one.ended)] = one.name
    return set(seen.values())


def _needed_by(one: BackupSet, bundles: Sequence[Bundle]) -> set[str]:
    """From the set's first segment to the first bundle that was closed after its end."""
    found = set()
    for bundle in bundles:
        if bundle.generation != one.generation or bundle.last < one.start_wal:
            continue
        found.add(bundle.name)
        if bundle.at >= one.ended:
            break
    return found


def _is_past(name: str, staying: set[str], whole: set[str], now: datetime) -> bool:
    """Whether a set's objects go: it was forgotten, or it was never finished."""
    if name in staying:
        return False
    if name in whole:
        return True
    try:
        began = from_stamp(name.partition("-")[0])
    except ValueError:
        return False
    return began < now - _UNDER_WAY


def _spare_files(store: Store, staying: Sequence[BackupSet]) -> list[str]:
    """Archives of keys and uploads older than the one that the oldest set needs."""
    if not staying:
        return []
    oldest = min(one.ended for one in staying)
    names = [entry.name for entry in store.list("files")]
    before = [name for name in names if file_time(name) <= oldest]
    return sorted(before)[:-1]


def file_time(name: str) -> datetime:
    """When an archive of files was made, by its name."""
    return from_stamp(name.rpartition("/")[2].removesuffix(".tar.gz"))
