"""Making backups and restore tests; a worker calls it."""

import time
from typing import Any

import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from apps.backups import services, testing
from apps.backups.carrying import begin as begin_repository
from apps.backups.carrying import send_files
from apps.backups.constants import BACKUP, LONGEST_S
from apps.backups.exceptions import FAILURES
from apps.backups.forgetting import forget_at
from apps.backups.models import BackupRun, BackupTarget
from apps.backups.places import database
from apps.backups.targets import note_failure, store_of, target_in_use
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from dotmac.backups.taking import take

log = structlog.get_logger(__name__)
_OFF = "Backups were switched off."
_DIED = "Its worker died again and again. The log says why."


@runs(BACKUP)
def run_backup(lease: Lease) -> None:
    """Make one, from the beginning: what a worker that died left off site counts as none."""
    lease.works_until = time.monotonic() + LONGEST_S
    run = BackupRun.objects.filter(uuid=lease.subject, slot=1).first()
    target = target_in_use()
    if run is None:
        with lease.atomic():
            work.finish(lease, Due.State.DONE)
        return
    if target is None or lease.is_stuck:
        _fail(lease, run, _DIED if target else _OFF)
        return
    with lease.atomic():
        services.begin(run)
    try:
        values = _done(run, target, lease)
    except FAILURES as error:
        log.warning("backup_failed", kind=run.kind, error=str(error))
        note_failure(error)
        _fail(lease, run, str(error))
        return
    with lease.atomic():
        services.end_well(run, **values)
        work.finish(lease, Due.State.DONE)


def _done(run: BackupRun, target: BackupTarget, lease: Lease) -> dict[str, Any]:
    """What it made, or measured. No transaction here."""
    server, store = database(), store_of(target)
    if run.kind == BackupRun.Kind.TEST:
        report = testing.restore(server, store, beat=lease.assert_held)
        return {"name": report.pop("set"), "report": report}
    repository = begin_repository(target, store)
    # First, since a set that counts without its keys could not be brought back.
    send_files(target, store, lease)
    made = take(
        server,
        store,
        repository,
        kind=run.kind,
        version=settings.VERSION,
        beat=lease.assert_held,
    )
    forget_at(target, store)
    # A differential one becomes full where there is none to build on.
    BackupRun.objects.filter(pk=run.pk).update(kind=made.kind)
    run.kind = made.kind
    return {"name": made.name, "size": made.size, "read_bytes": made.read_bytes}


def _fail(lease: Lease, run: BackupRun, why: str) -> None:
    """The run says why, and an alarm: the work itself is no other thing to mend."""
    with lease.atomic():
        services.end_badly(run, why)
        work.finish(lease, Due.State.DONE, reason=why)


def _context(subject: str) -> dict[str, Any]:
    run = BackupRun.objects.get(uuid=subject)
    states = {"done": "done", "failed": "failed"}
    return {
        "operation": {
            "id": subject,
            "title": str(run),
            "status": states.get(run.status, "waiting"),
            "cause": run.error,
            "waiting_for": "",
        },
        "steps": [],
    }


def _steer(_subject: str, _what: str, _user: Any) -> str:
    return str(_("Ask for another one on the page “Backups”."))


shows(BACKUP, Detail(_context, _steer))
