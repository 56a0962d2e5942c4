"""When the clock did what: noted by it, and read by whoever asks whether it still goes."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.utils import timezone

from apps.work.models import Beat
from apps.work.registry import beats

# Without any tick for so long it stands still, whatever its duties are.
STILL_S = 60.0
_WRITE = """
    INSERT INTO "public"."work_beat" (name, ticked_at, failed_at) VALUES (%s, %s, %s)
    ON CONFLICT (name) DO UPDATE SET
        ticked_at = coalesce(excluded.ticked_at, work_beat.ticked_at),
        failed_at = coalesce(excluded.failed_at, work_beat.failed_at)
"""
_ticked: dict[str, datetime] = {}
_failed: dict[str, datetime] = {}


def note(name: str, *, is_well: bool) -> None:
    """Remember that a duty was done, or failed; it is written with all others, seldom."""
    (_ticked if is_well else _failed)[name] = timezone.now()


def write() -> int:
    """Write what was remembered since the last time; returns how many duties that were."""
    names = sorted({*_ticked, *_failed})
    rows = [(name, _ticked.pop(name, None), _failed.pop(name, None)) for name in names]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_WRITE, rows)
    return len(rows)


def ages() -> Iterable[tuple[str, float, float]]:
    """Each duty of this release that was ever done: its interval, and seconds since it was."""
    now = timezone.now()
    found = dict(Beat.objects.values_list("name", "ticked_at"))
    for beat in beats():
        at = found.get(beat.name)
        if at is not None:
            yield beat.name, beat.every_s, (now - at).total_seconds()


def since_any_s() -> float | None:
    """Seconds since the clock did anything; None where it never has."""
    newest = Beat.objects.exclude(ticked_at=None).order_by("-ticked_at").first()
    if newest is None or newest.ticked_at is None:
        return None
    return (timezone.now() - newest.ticked_at).total_seconds()
