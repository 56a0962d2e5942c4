"""What the commands share: making a run here and now, with or without workers."""

import time

from django.core.management.base import CommandError

from apps.backups.constants import BACKUP
from apps.backups.models import BackupRun
from apps.backups.services import ask
from apps.core.exceptions import ConflictError, DomainError
from apps.events.actors import Actor
from apps.tenancy.kinds import PUBLIC
from apps.work import jobs
from apps.work import services as work
from apps.work.models import Due

_POLL_S = 0.5


def make(kind: str, *, waits: bool = False) -> BackupRun:
    """Ask for it and see it done, by this process unless a worker was quicker; CommandError.

    One that is under way already is an error, unless this `waits` for its end.
    """
    try:
        run = _asked(kind, waits=waits)
    except DomainError as error:
        raise CommandError(error.message) from error
    _see_done(run)
    if run.status == BackupRun.Status.FAILED:
        raise CommandError(run.error)
    return run


def _asked(kind: str, *, waits: bool) -> BackupRun:
    while True:
        try:
            return ask(kind, actor=Actor("system", label="manage.py"))
        except ConflictError:
            if not waits:
                raise
        under_way = BackupRun.objects.filter(slot=1).first()
        if under_way is not None:
            _see_done(under_way)


def _see_done(run: BackupRun) -> None:
    """Do it here, unless a worker does; one whose worker died is handed on."""
    due = Due.objects.get(schema=PUBLIC, kind=BACKUP, subject=str(run.uuid))
    while True:
        jobs.run(str(due.pk))
        run.refresh_from_db()
        if run.slot is None:
            return
        time.sleep(_POLL_S)
        work.reap()
