"""A rebuilt machine takes the repository over: the old one finds that it writes no more."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from django.db import ProgrammingError, transaction
from django.utils import timezone

from apps.backups import ledger
from apps.backups.models import BackupAlarm, BackupRun, BackupTarget
from apps.backups.targets import SUBJECT, store_of
from apps.events import services as events
from apps.events.actors import SYSTEM
from dotmac.backups import Repository, Store
from dotmac.backups.records import Generation, read_repository, stamp, write_repository
from dotmac.backups.wal import carry

log = structlog.get_logger(__name__)


def take_over(mark: Mapping[str, Any]) -> None:
    """Begin the generation that a rebuild noted; doing it again changes nothing.

    BackupError while the place does not answer. A database whose backups were off has none.
    """
    target = BackupTarget.objects.filter(installation=mark["installation"]).first()
    if target is None:
        return
    _note(target, mark)
    store = store_of(target)
    _look_at_ledger(store)
    repository = read_repository(store)
    if repository.current.token == mark["token"]:
        return
    made = Generation(
        mark["token"], stamp(datetime.now(UTC)), mark["forked_at"], int(mark["timeline"])
    )
    known = (*repository.generations, made)
    _send_history(store, len(known), mark)
    write_repository(store, Repository(repository.installation, known))


def _look_at_ledger(store: Store) -> None:
    """What the moment that was restored does not know.

    A backup of an older release may have no room for it; who carries looks once it is migrated.
    """
    try:
        ledger.compare(store, anew=True)
    except ProgrammingError as error:
        log.warning("ledger_not_compared", error=str(error).splitlines()[0])


@transaction.atomic
def _note(target: BackupTarget, mark: Mapping[str, Any]) -> None:
    now = timezone.now()
    changed = BackupTarget.objects.filter(pk=target.pk).exclude(token=mark["token"])
    if not changed.update(
        token=mark["token"],
        is_begun=True,
        # What is due is due since now: the first backup of this machine is a full one.
        on_since=now,
        changed_at=now,
        reaches=None,
        carried_at=None,
        gap_at=None,
        files_print="",
        failing_since=None,
        last_error="",
    ):
        return
    # What was under way on the machine that is gone.
    BackupRun.objects.filter(slot=1).update(
        slot=None, status=BackupRun.Status.FAILED, finished_at=now, error="The machine was rebuilt."
    )
    BackupAlarm.objects.all().delete()
    data = {"until": mark["forked_at"]}
    events.record("backup.rebuilt", actor=SYSTEM, subject=SUBJECT, data=data)


def _send_history(store: Store, number: int, mark: Mapping[str, Any]) -> None:
    if not mark["history"]:
        return
    with tempfile.TemporaryDirectory(prefix="dotmac-history-") as folder:
        spool = Path(folder)
        (spool / f"{int(mark['timeline']):08X}.history").write_text(mark["history"])
        carry(spool, store, number, beat=_nothing)


def _nothing() -> None:
    """Nobody waits."""
