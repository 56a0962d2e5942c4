"""What is wrong with backups for too long: told once, and once that it is over."""

import psycopg
from django.db import transaction
from django.utils import timezone

from apps.backups.constants import AWAY_AFTER, LAGGING_AFTER, OVERDUE_AFTER
from apps.backups.models import BackupAlarm, BackupRun, BackupTarget
from apps.backups.places import database, has_own_database
from apps.backups.services import has_gap, newest_success
from apps.backups.targets import target_in_use
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject

_Kind, _Status, _Name = BackupRun.Kind, BackupRun.Status, BackupAlarm.Name


def look() -> int:
    """Compare what is wrong with what was told; returns how much is new or over."""
    target = target_in_use()
    found = _wrong(target) if target and has_own_database() else {}
    known = set(BackupAlarm.objects.values_list("name", flat=True))
    begun = [name for name, error in found.items() if name not in known and _raise(name, error)]
    over = [name for name in known - set(found) if _end(name)]
    return len(begun) + len(over)


def _wrong(target: BackupTarget) -> dict[str, str]:
    now = timezone.now()
    since = target.on_since or now
    error = target.last_error
    wrong = {}
    newest = newest_success(_Kind.FULL, _Kind.DIFFERENTIAL)
    made_at = newest.finished_at if newest and newest.finished_at else since
    if max(made_at, since) < now - OVERDUE_AFTER:
        wrong["overdue"] = error or _last_failure(_Kind.FULL, _Kind.DIFFERENTIAL) or "–"
    if max(target.carried_at or since, since) < now - LAGGING_AFTER:
        wrong["lagging"] = error or _archiver_error() or "–"
    if target.failing_since and target.failing_since < now - AWAY_AFTER:
        wrong["away"] = error
    if has_gap(target):
        wrong["gap"] = error or "–"
    test = BackupRun.objects.filter(kind=_Kind.TEST, slot=None).first()
    if test and test.status == _Status.FAILED:
        wrong["test"] = test.error
    return wrong


def _last_failure(*kinds: str) -> str:
    failed = BackupRun.objects.filter(kind__in=kinds, status=_Status.FAILED).first()
    return failed.error if failed else ""


def _archiver_error() -> str:
    """What the database says of laying its WAL aside."""
    try:
        with psycopg.connect(**database().connection, autocommit=True) as connection:
            row = connection.execute(
                "SELECT last_failed_wal FROM pg_stat_archiver"
                " WHERE last_failed_time > coalesce(last_archived_time, '-infinity')"
            ).fetchone()
    except (psycopg.Error, OSError):
        return ""
    return f"The database cannot lay {row[0]} aside." if row else ""


@transaction.atomic
def _raise(name: str, error: str) -> bool:
    _row, is_new = BackupAlarm.objects.get_or_create(name=name, defaults={"error": error[:400]})
    if is_new:
        data = {"error": error[:400]}
        events.record(f"backup.{name}", actor=SYSTEM, subject=_subject(name), data=data)
    return is_new


@transaction.atomic
def _end(name: str) -> bool:
    is_over = bool(BackupAlarm.objects.filter(name=name).delete()[0])
    if is_over:
        events.record(f"backup.{name}_over", actor=SYSTEM, subject=_subject(name))
    return is_over


def _subject(name: str) -> Subject:
    return Subject("backup_alarm", name, _Name(name).name.lower())
