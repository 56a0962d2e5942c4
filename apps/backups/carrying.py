"""Carrying WAL, keys and uploads off site, again and again; a worker calls it."""

import secrets
import time
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.backups import ledger
from apps.backups.constants import CLOSING_S, LONGEST_S, WAL, WAL_EVERY_S, WAL_SUBJECT
from apps.backups.exceptions import FAILURES
from apps.backups.models import BackupTarget
from apps.backups.places import database, has_own_database, places
from apps.backups.targets import (
    call_carrier,
    note_failure,
    note_success,
    store_of,
    target_in_use,
)
from apps.tenancy.kinds import PUBLIC
from apps.work import services as work
from apps.work.constants import OPEN
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from apps.work.words import Words, words
from dotmac.backups import Database, MissingError, Store
from dotmac.backups import files as archives
from dotmac.backups.records import Generation, Repository, stamp, write_repository
from dotmac.backups.wal import Carried, carry, held, keep_within, size_of, waiting_in

log = structlog.get_logger(__name__)
_GIGABYTE = 1 << 30
_TRIES_S = 0.1
# So many objects in a turn, of 32 segments each.
_AT_ONCE = 20


@runs(WAL)
def carry_on(lease: Lease) -> None:
    """One turn; it comes again until backups are switched off."""
    lease.works_until = time.monotonic() + LONGEST_S
    target = target_in_use()
    if target is None or not has_own_database():
        _stop()
        with lease.atomic():
            work.finish(lease, Due.State.DONE)
        return
    reason: Words | str = ""
    for act in (_turn, _keep_room):
        try:
            act(target, lease)
        except FAILURES as error:
            log.warning("backup_wal_not_carried", error=str(error))
            note_failure(error)
            text = gettext_noop("It is carried once that works again. The page “Backups” says why.")
            reason = words(text)
    with lease.atomic():
        work.postpone(lease, seconds=WAL_EVERY_S, reason=reason)


def begin(target: BackupTarget, store: Store) -> Repository:
    """The repository of this installation, begun where nothing is; BackupError where others' is."""
    try:
        return held(store, target.token)
    except MissingError:
        if target.is_begun:
            raise
    first = Generation(target.token, stamp(datetime.now(UTC)))
    made = Repository(str(target.installation), (first,))
    write_repository(store, made)
    BackupTarget.objects.filter(token=target.token).update(is_begun=True)
    return made


def keep_carrying() -> bool:
    """Call it anew where nobody carries any more though backups are on; whether that was so.

    Its work may have been abandoned, or have ended just when backups were switched on again.
    """
    if target_in_use() is None or not has_own_database():
        return False
    if Due.objects.filter(schema=PUBLIC, kind=WAL, subject=WAL_SUBJECT, state__in=OPEN).exists():
        return False
    call_carrier()
    return True


def close_segment(server: Database, *, most_s: float = CLOSING_S) -> None:
    """Have what was committed until now lie in the spool."""
    with psycopg.connect(**server.connection, autocommit=True) as connection:
        row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    name, until = str(row[0]) if row else "", time.monotonic() + most_s
    # Nothing new makes no segment: the last one was carried long ago.
    while time.monotonic() < until and not _is_archived(server, name):
        time.sleep(_TRIES_S)


def _turn(target: BackupTarget, lease: Lease) -> None:
    server, store = database(), store_of(target)
    server.open_spool()
    number = begin(target, store).number
    # What waits goes first, and a segment is closed only where it went: while the place takes
    # nothing, each turn would lay aside 16 MiB of next to nothing, 15 GiB in a day.
    carried = carry(server.spool, store, number, most=_AT_ONCE, beat=lease.assert_held)
    _note_reach(carried)
    if not carried.left:
        close_segment(server)
        _note_reach(carry(server.spool, store, number, most=_AT_ONCE, beat=lease.assert_held))
    send_files(target, store, lease)
    lease.assert_held()
    ledger.compare(store)
    note_success(carried_at=timezone.now())


def _note_reach(carried: Carried) -> None:
    if carried.at:
        BackupTarget.objects.update(reaches=carried.at)


def _keep_room(target: BackupTarget, _lease: Lease) -> None:
    """Give up the oldest that waits above the bound, whether it could be carried or not."""
    spool, most = database().spool, target.wal_limit_gb * _GIGABYTE
    if size_of(waiting_in(spool)) > most:
        # Before anything goes: whoever is killed in between leaves no gap that nobody knows of.
        BackupTarget.objects.update(gap_at=timezone.now())
        log.error("backup_wal_given_up", segments=keep_within(spool, most))
    BackupTarget.objects.update(waiting_bytes=size_of(waiting_in(spool)))


def send_files(target: BackupTarget, store: Store, lease: Lease) -> None:
    """Have keys, secrets and uploads lie off site as they are now."""
    found = archives.fingerprint(places())
    if found != target.files_print:
        lease.assert_held()
        archives.send(store, places())
        BackupTarget.objects.filter(pk=target.pk).update(files_print=found)


def _is_archived(server: Database, name: str) -> bool:
    with psycopg.connect(**server.connection, autocommit=True) as connection:
        row = connection.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()
    last = str(row[0]) if row and row[0] else ""
    return last[:24] >= name or (server.spool / name).exists()


def _stop() -> None:
    """Have the database lay nothing aside any more."""
    if not has_own_database():
        return
    spool = database().spool
    if spool.is_dir():
        gone = spool.with_name(f"{spool.name}.{secrets.token_hex(4)}")
        spool.rename(gone)
        for file in gone.iterdir():
            file.unlink()
        gone.rmdir()


def _context(_subject: str) -> dict[str, Any]:
    target = BackupTarget.objects.first()
    return {
        "operation": {
            "id": WAL_SUBJECT,
            "title": str(_("Carry the log of changes off site")),
            "status": "waiting",
            "waiting_for": target.last_error if target else "",
        },
        "steps": [],
    }


def _steer(_subject: str, what: str, _user: Any) -> str:
    if what == "cancel":
        return str(_("It goes on as long as backups are on: see the page “Backups”."))
    call_carrier()
    return ""


shows(WAL, Detail(_context, _steer))
