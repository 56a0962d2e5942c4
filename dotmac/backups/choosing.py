"""Which set, and which WAL after it, lead to a point in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dotmac.backups.errors import MissingError
from dotmac.backups.records import BackupSet, Bundle, Generation, Repository, from_stamp
from dotmac.backups.wal import is_segment, next_segment


@dataclass(frozen=True)
class Route:
    """What is fetched to get there.

    `sets` are a full one and perhaps a differential on it. `reaches` is when the newest WAL of it
    was closed; `misses` names the first segment that is lacking before newer ones.
    """

    sets: tuple[BackupSet, ...]
    bundles: tuple[Bundle, ...]
    timeline: int
    reaches: datetime
    at: datetime | None = None
    misses: str = ""

    @property
    def newest(self) -> BackupSet:
        """The set that it begins with."""
        return self.sets[-1]


def choose(
    repository: Repository,
    sets: Sequence[BackupSet],
    bundles: Sequence[Bundle],
    at: datetime | None = None,
) -> Route:
    """The way to a time, or to the newest there is; MissingError says what can be reached."""
    number = _generation_at(repository, at)
    usable = [one for one in sets if _counts(repository, one, number)]
    before = [one for one in usable if at is None or one.ended <= at]
    if not before:
        raise MissingError(_too_early(usable), permanent=True)
    chosen = before[-1]
    chain = _chain(chosen, sets)
    way = _bundles_for(chosen, bundles, number)
    held, misses = _unbroken(chosen, way)
    reaches = max([chosen.ended, *(bundle.at for bundle in held)])
    if at is not None and at > reaches:
        gap = f" The segment {misses} is missing." if misses else ""
        text = f"The backup reaches until {reaches:%Y-%m-%d %H:%M:%S} UTC.{gap} Leave the time out"
        raise MissingError(f"{text} for the newest, or name an earlier one.", permanent=True)
    needed = _until(held, at)
    return Route(chain, needed, _timeline(repository, number), reaches, at, misses)


def window(
    repository: Repository, sets: Sequence[BackupSet], bundles: Sequence[Bundle]
) -> tuple[datetime, datetime] | None:
    """From when to when any point can be restored; None without a set."""
    usable = [one for one in sets if _counts(repository, one, repository.number)]
    if not usable:
        return None
    reaches = choose(repository, usable, bundles).reaches
    return usable[0].ended, reaches


def _generation_at(repository: Repository, at: datetime | None) -> int:
    """The machine that wrote at a time, counted from 1."""
    if at is None:
        return repository.number
    began = [n for n, one in _numbered(repository) if from_stamp(one.began_at) <= at]
    return began[-1] if began else 1


def _counts(repository: Repository, one: BackupSet, number: int) -> bool:
    """Whether a set lies on the way to a generation: later ones may have left it out."""
    if one.generation > number:
        return False
    later = repository.generations[one.generation : number]
    forks = [from_stamp(generation.forked_at) for generation in later if generation.forked_at]
    return all(one.ended <= fork for fork in forks)


def _chain(chosen: BackupSet, sets: Sequence[BackupSet]) -> tuple[BackupSet, ...]:
    if not chosen.parent:
        return (chosen,)
    parents = [one for one in sets if one.name == chosen.parent]
    if not parents:
        text = f"The set {chosen.name} needs {chosen.parent}, which is not there."
        raise MissingError(text, permanent=True)
    return (parents[0], chosen)


def _bundles_for(chosen: BackupSet, bundles: Sequence[Bundle], number: int) -> list[Bundle]:
    """Those of its generation and the later ones up to `number`, from its beginning on.

    What an earlier machine wrote after the point that the next began from lies on a timeline of
    its own, where the database does not look.
    """
    return [
        bundle
        for bundle in bundles
        if chosen.generation <= bundle.generation <= number
        # A segment that was begun before the set is closed after its beginning.
        and (bundle.at >= chosen.began or _holds(bundle, chosen))
    ]


def _holds(bundle: Bundle, chosen: BackupSet) -> bool:
    return bundle.first <= chosen.start_wal <= bundle.last


def _unbroken(chosen: BackupSet, bundles: Sequence[Bundle]) -> tuple[list[Bundle], str]:
    """The bundles up to the first segment that is missing, and its name."""
    kept: list[Bundle] = []
    expected = chosen.start_wal
    for bundle in bundles:
        if is_segment(bundle.first) and bundle.first[:8] == expected[:8]:
            if bundle.first > expected:
                return kept, expected
            if is_segment(bundle.last):
                expected = max(expected, next_segment(bundle.last))
        elif is_segment(bundle.last):
            expected = next_segment(bundle.last)
        kept.append(bundle)
    return kept, ""


def _until(bundles: Sequence[Bundle], at: datetime | None) -> tuple[Bundle, ...]:
    """Up to the first that was closed after the time."""
    if at is None:
        return tuple(bundles)
    last = next((n for n, bundle in enumerate(bundles) if bundle.at >= at), len(bundles) - 1)
    return tuple(bundles[: last + 1])


def _timeline(repository: Repository, number: int) -> int:
    return repository.generations[number - 1].timeline


def _numbered(repository: Repository) -> list[tuple[int, Generation]]:
    return list(enumerate(repository.generations, start=1))


def _too_early(usable: Sequence[BackupSet]) -> str:
    if not usable:
        return "There is no backup yet from which this could be restored."
    first = usable[0].ended
    return f"The earliest time that can be restored is {first:%Y-%m-%d %H:%M:%S} UTC."
