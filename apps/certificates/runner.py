"""Tending one certificate; a worker calls it when it is due."""

import time
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.certificates.accounts import account_in_force, provider_of, wire_of
from apps.certificates.challenges import take_back
from apps.certificates.constants import COME_BACK_S, HANGS_S, KIND, LOOK_EVERY
from apps.certificates.exceptions import OrderFailedError
from apps.certificates.models import AcmeAccount, Certificate, IssuedCertificate
from apps.certificates.obtaining import obtain, register
from apps.certificates.services import (
    note_failed,
    note_look,
    note_revoked,
    renew_now,
)
from apps.certificates.turns import Turn
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from apps.work.words import Words, words
from dotmac.acme import AcmeError
from dotmac.crypto.fields import CipherError
from dotmac.dns import DnsError

_NOT_SET_UP = gettext_noop("No certificate authority is set up.")
_OVER = gettext_noop("It is not needed any more.")
_SERVED = gettext_noop("It is served.")
_PROVING = gettext_noop("The authority is still at it.")
_DIED = "Its worker died again and again. The log says why."
_LOST_KEY = "The key that its secrets are encrypted with is missing. Add it to FIELD_KEYS."
_Status = Certificate.Status


@runs(KIND)
def tend(lease: Lease) -> None:
    """Revoke, order, renew, or only look when that is due."""
    row = Certificate.objects.filter(uuid=lease.subject).exclude(status=_Status.ENDED).first()
    account = account_in_force()
    if row is None or account is None:
        _finish(lease, words(_OVER if row is None else _NOT_SET_UP))
    elif lease.is_stuck:
        _fail(lease, row, _DIED)
    elif account.paused_until and account.paused_until > timezone.now():
        _wait_for_authority(lease, row, account.paused_until)
    else:
        lease.works_until = time.monotonic() + HANGS_S
        _tend(lease, row, account)


def _tend(lease: Lease, row: Certificate, account: AcmeAccount) -> None:
    try:
        with wire_of(account) as wire:
            _do(Turn(lease, row, account, wire, provider_of(account)))
    except AcmeError as error:
        _heed(lease, account, error)
        # The account may be gone at the authority: the next try registers it again.
        _fail(lease, row, error.message, at_least_s=error.retry_after_s or 0.0)
    except DnsError as error:
        _fail(lease, row, error.message)
    except CipherError:
        _fail(lease, row, _LOST_KEY)


def _do(turn: Turn) -> None:
    row = turn.row
    if row.revoke_reason is not None:
        _revoke(turn)
    if _is_served(row):
        _look(turn)
        return
    try:
        pause = obtain(turn)
    except OrderFailedError as error:
        take_back(turn)
        _fail(turn.lease, row, error.message, keeps_order=False)
        return
    if pause:
        _come_back(turn.lease, row, pause, words(_PROVING))
        return
    take_back(turn)
    _rest(turn.lease, row)


def _is_served(row: Certificate) -> bool:
    """Whether there is nothing to do but to look."""
    return row.status == _Status.VALID and bool(row.renew_at and row.renew_at > timezone.now())


def _revoke(turn: Turn) -> None:
    newest = IssuedCertificate.objects.filter(certificate=turn.row, revoked_at=None).first()
    if newest is not None:
        register(turn)
        turn.lease.assert_held()
        turn.wire.revoke(newest.chain, turn.row.revoke_reason or 0)
    with turn.lease.atomic():
        note_revoked(turn.row)


def _look(turn: Turn) -> None:
    """Whether the authority wants it renewed sooner, as before it revokes many at once."""
    take_back(turn)
    newest = IssuedCertificate.objects.filter(certificate=turn.row).first()
    if newest is not None and turn.row.renew_at:
        wanted = turn.wire.renewal_time(newest.chain)
        if wanted is not None and wanted < turn.row.renew_at:
            turn.row.renew_at = wanted
    _rest(turn.lease, turn.row)


def _rest(lease: Lease, row: Certificate) -> None:
    """Until it is to be renewed, or looked at."""
    assert row.renew_at is not None
    with lease.atomic():
        note_look(row, row.renew_at, min(row.renew_at, timezone.now() + LOOK_EVERY))
        work.finish(lease, Due.State.DONE, reason=words(_SERVED))


def _heed(lease: Lease, account: AcmeAccount, error: AcmeError) -> None:
    """Note what concerns the account and so all certificates: to wait, or that it is gone."""
    changes: dict[str, Any] = {}
    if error.retry_after_s is not None:
        changes["paused_until"] = timezone.now() + timedelta(seconds=error.retry_after_s)
    if error.code == "accountDoesNotExist":
        changes["account_url"] = ""
    if changes:
        with lease.atomic():
            AcmeAccount.objects.filter(pk=account.pk, key=account.key).update(**changes)


def _fail(
    lease: Lease,
    row: Certificate,
    error: str,
    *,
    at_least_s: float = 0.0,
    keeps_order: bool = True,
) -> None:
    with lease.atomic():
        pause = note_failed(row, error, at_least_s=at_least_s, keeps_order=keeps_order)
        work.postpone(lease, seconds=pause, reason=error)


def _come_back(lease: Lease, row: Certificate, pause: float, reason: Words) -> None:
    next_at = timezone.now() + timedelta(seconds=pause)
    with lease.atomic():
        note_look(row, row.renew_at, next_at)
        work.postpone(lease, seconds=pause, reason=reason)


def _wait_for_authority(lease: Lease, row: Certificate, until: datetime) -> None:
    text = gettext_noop("The authority asked to be left alone for a while.")
    pause = max((until - timezone.now()).total_seconds(), COME_BACK_S)
    _come_back(lease, row, pause, words(text))


def _finish(lease: Lease, reason: Words) -> None:
    with lease.atomic():
        work.finish(lease, Due.State.DONE, reason=reason)


def _context(subject: str) -> dict[str, Any]:
    row = Certificate.objects.get(uuid=subject)
    states = {_Status.VALID: "done", _Status.ENDED: "done", _Status.FAILED: "waiting"}
    return {
        "operation": {
            "id": subject,
            "title": row.name,
            "status": states.get(_Status(row.status), "running"),
            "waiting_for": row.last_error,
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    if what != "retry":
        return _("A certificate is ordered until it is there. Switch the authority off to stop.")
    try:
        renew_now(Certificate.objects.get(uuid=subject), actor=user_actor(user))
    except DomainError as error:
        return error.message
    return ""


shows(KIND, Detail(_context, _steer))
