"""Asking for backups and restore tests, and saying what became of them."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.backups.constants import (
    BACKUP,
    DAILY_EVERY,
    FULL_EVERY,
    KEPT,
    RETRY_AFTER,
    RETRY_GAP_AFTER,
    RETRY_TEST_AFTER,
    TEST_EVERY,
)
from apps.backups.exceptions import TargetError
from apps.backups.models import BackupRun, BackupTarget
from apps.backups.places import database, has_own_database
from apps.backups.targets import target_in_use
from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor
from apps.work import services as work
from apps.work.words import words

_Kind, _Status = BackupRun.Kind, BackupRun.Status
_BACKUPS = (_Kind.FULL, _Kind.DIFFERENTIAL)
_TITLES = {
    _Kind.FULL: gettext_noop("Full backup of the platform"),
    _Kind.DIFFERENTIAL: gettext_noop("Differential backup of the platform"),
    _Kind.TEST: gettext_noop("Restore test of the platform"),
}


@transaction.atomic
def ask(kind: str, *, actor: Actor) -> BackupRun:
    """Have a backup or a restore test made by a worker, now.

    ConflictError while another is under way, TargetError before a place is set up and on.
    """
    if target_in_use() is None:
        raise TargetError(_("Set up where backups go, and switch it on."))
    database()
    try:
        with transaction.atomic():
            run = BackupRun.objects.create(kind=kind)
    except IntegrityError as error:
        raise ConflictError(_("A backup or a restore test is under way already.")) from error
    work.enqueue(BACKUP, str(run.uuid), title=words(_TITLES[_Kind(kind)]))
    events.record("backup.asked", actor=actor, subject=run, data={"kind": kind})
    return run


def kind_due(now: datetime) -> str:
    """What is to be made by itself now; empty: nothing."""
    target = target_in_use()
    if target is None or not has_own_database() or BackupRun.objects.filter(slot=1).exists():
        return ""
    return _backup_due(target, now) or _test_due(now)


def ask_what_is_due() -> bool:
    """Ask for it, unless somebody was quicker."""
    kind = kind_due(timezone.now())
    if not kind:
        return False
    try:
        ask(kind, actor=SYSTEM)
    except (ConflictError, TargetError):
        return False
    return True


def newest_success(*kinds: str) -> BackupRun | None:
    """The last of these kinds that went well."""
    done = BackupRun.objects.filter(kind__in=kinds, status=_Status.DONE)
    return done.order_by("-finished_at").first()


def has_gap(target: BackupTarget) -> bool:
    """Whether changes were given up, and no backup that began later reaches what came after."""
    if target.gap_at is None:
        return False
    done = BackupRun.objects.filter(kind__in=_BACKUPS, status=_Status.DONE)
    return not done.filter(started_at__gt=target.gap_at).exists()


def begin(run: BackupRun) -> None:
    """Note that a worker is at it; inside `lease.atomic()`."""
    rows = BackupRun.objects.filter(pk=run.pk, slot=1)
    rows.update(status=_Status.RUNNING, started_at=timezone.now())


def end_well(run: BackupRun, **values: Any) -> None:
    """Close a run that did what it should; inside `lease.atomic()`."""
    if _close(run, status=_Status.DONE, error="", **values):
        said = {name: values[name] for name in values if name in ("name", "size", "report")}
        type_ = "restore_test.passed" if run.kind == _Kind.TEST else "backup.made"
        events.record(type_, actor=SYSTEM, subject=run, data={"kind": run.kind, **said})


def end_badly(run: BackupRun, why: str) -> None:
    """Close a run that did not; inside `lease.atomic()`."""
    if _close(run, status=_Status.FAILED, error=why[:400]):
        type_ = "restore_test.failed" if run.kind == _Kind.TEST else "backup.failed"
        events.record(type_, actor=SYSTEM, subject=run, data={"kind": run.kind, "error": why[:400]})


def forget_old() -> int:
    """Delete runs past their retention; returns how many."""
    before = timezone.now() - KEPT
    return BackupRun.objects.filter(created_at__lt=before, slot=None).delete()[0]


def _close(run: BackupRun, **values: Any) -> bool:
    rows = BackupRun.objects.filter(pk=run.pk, slot=1)
    return bool(rows.update(slot=None, finished_at=timezone.now(), **values))


def _backup_due(target: BackupTarget, now: datetime) -> str:
    last = BackupRun.objects.filter(kind__in=_BACKUPS).first()
    has_failed = last is not None and last.status == _Status.FAILED
    is_open = has_gap(target)
    pause = RETRY_GAP_AFTER if is_open and target.failing_since is None else RETRY_AFTER
    if has_failed and _is_within(last, pause, now):
        return ""
    since = target.on_since or now
    newest = newest_success(*_BACKUPS)
    is_due = newest is None or _at(newest) < since or is_open
    if not is_due and newest and _is_within(newest, DAILY_EVERY, now):
        return ""
    full = newest_success(_Kind.FULL)
    # What a differential could not do may go well from the beginning.
    is_full = full is None or _at(full) < since or not _is_within(full, FULL_EVERY, now)
    return _Kind.FULL if is_full or has_failed else _Kind.DIFFERENTIAL


def _test_due(now: datetime) -> str:
    if newest_success(_Kind.FULL, _Kind.DIFFERENTIAL) is None:
        return ""
    last = BackupRun.objects.filter(kind=_Kind.TEST).first()
    pause = RETRY_TEST_AFTER if last and last.status == _Status.FAILED else TEST_EVERY
    return "" if last and _is_within(last, pause, now) else _Kind.TEST


def _is_within(run: BackupRun | None, time: timedelta, now: datetime) -> bool:
    return run is not None and _at(run) > now - time


def _at(run: BackupRun) -> datetime:
    return run.finished_at or run.created_at
