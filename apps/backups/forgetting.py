"""What is past its time goes by the clock, at every place that backups ever went to.

After a backup it goes too; this is for where none is made: backups are off, fail, or go elsewhere.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.backups.constants import FORGET, FORGET_AGAIN_S, LONGEST_S
from apps.backups.exceptions import FAILURES
from apps.backups.former import keep_of_former, store_of_former
from apps.backups.models import BackupRun, BackupTarget, FormerPlace
from apps.backups.promises import promised
from apps.backups.targets import (
    keep_of,
    note_failure,
    note_success,
    store_of,
    target_as_it_is,
)
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from apps.work.words import words
from dotmac.backups import MissingError, Store, TakenOverError
from dotmac.backups.retention import Keep, forget
from dotmac.backups.wal import held

log = structlog.get_logger(__name__)
_SUBJECT = "all"
# What has to be gone within so long goes now: the clock comes once a day.
_AHEAD = timedelta(hours=25)


@dataclass(frozen=True)
class OffSite:
    """A place where backups lie, and from when the oldest there is."""

    address: str
    oldest_at: datetime
    is_former: bool


def call() -> None:
    """Have a worker do it now."""
    title = words(gettext_noop("Delete backups that are past their time"))
    work.call(FORGET, _SUBJECT, title=title)


def off_site() -> list[OffSite]:
    """All places where something lies, as it was seen last."""
    target = target_as_it_is()
    rows: list[BackupTarget | FormerPlace] = [target, *FormerPlace.objects.all()]
    return [
        OffSite(row.address, row.oldest_at, isinstance(row, FormerPlace))
        for row in rows
        if row.oldest_at
    ]


@runs(FORGET)
def forget_everywhere(lease: Lease) -> None:
    """Each place for itself: one that is away keeps nothing from the others."""
    lease.works_until = time.monotonic() + LONGEST_S
    target = target_as_it_is()
    is_done = not target.is_begun or _forget_present(target, lease)
    for place in FormerPlace.objects.all():
        is_done = _forget_former(place, lease) and is_done
    with lease.atomic():
        if is_done:
            work.finish(lease, Due.State.DONE)
            return
        reason = words(gettext_noop("A place off site did not do it. The page “Backups” says why."))
        work.postpone(lease, seconds=FORGET_AGAIN_S, reason=reason)


def forget_at(target: BackupTarget, store: Store) -> None:
    """At the present place, which is known to be this machine's. No transaction here."""
    keep, now = keep_of(target), timezone.now()
    oldest = forget(store, keep, now, gone=_gone(keep, now))
    BackupTarget.objects.filter(token=target.token).update(oldest_at=oldest)


def _forget_present(target: BackupTarget, lease: Lease) -> bool:
    try:
        store = store_of(target)
        lease.assert_held()
        held(store, target.token)
        forget_at(target, store)
    except (MissingError, TakenOverError) as error:
        # Nothing of ours lies there any more: the carrier says so, if backups are on.
        log.warning("backups_not_there", error=str(error))
        BackupTarget.objects.filter(token=target.token).update(oldest_at=None)
    except FAILURES as error:
        log.warning("backups_not_forgotten", error=str(error))
        note_failure(error)
        return False
    if not target.is_on:
        note_success()
    return True


def _forget_former(place: FormerPlace, lease: Lease) -> bool:
    keep, now = keep_of_former(place), timezone.now()
    # The last backup of all is not deleted: a later one has to be elsewhere first.
    has_later = BackupRun.objects.filter(
        kind__in=(BackupRun.Kind.FULL, BackupRun.Kind.DIFFERENTIAL),
        status=BackupRun.Status.DONE,
        started_at__gt=place.left_at,
    ).exists()
    rows = FormerPlace.objects.filter(pk=place.pk)
    try:
        store = store_of_former(place)
        lease.assert_held()
        held(store, place.token)
        oldest = forget(store, keep, now, gone=_gone(keep, now), is_left=has_later)
    except (MissingError, TakenOverError) as error:
        log.warning("former_backups_not_there", address=place.address, error=str(error))
        rows.delete()
    except FAILURES as error:
        log.warning("former_backups_not_forgotten", address=place.address, error=str(error))
        rows.update(last_error=str(error)[:400])
        return False
    else:
        if oldest is None and has_later:
            rows.delete()
        rows.update(oldest_at=oldest, last_error="")
    return True


def _gone(keep: Keep, now: datetime) -> datetime:
    said = promised(now + _AHEAD)
    by_age = now - keep.longest
    return max(by_age, said) if said else by_age


def _context(_subject: str) -> dict[str, Any]:
    return {
        "operation": {
            "id": _SUBJECT,
            "title": str(_("Delete backups that are past their time")),
            "status": "waiting",
            "waiting_for": "",
        },
        "steps": [],
    }


def _steer(_subject: str, what: str, _user: Any) -> str:
    if what == "cancel":
        return str(_("It is done each day: what is past its time has to go."))
    call()
    return ""


shows(FORGET, Detail(_context, _steer))
