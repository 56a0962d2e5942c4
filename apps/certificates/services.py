"""What people ask of a certificate, and what becomes of it: every write to one."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.certificates.accounts import account_in_force
from apps.certificates.constants import KIND, PAUSES_S, TOLD_AFTER
from apps.certificates.exceptions import BusyError, NotSetUpError
from apps.certificates.models import Certificate, IssuedCertificate
from apps.certificates.sealing import ORDER_KEY, seal
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor
from apps.fleet.services import serve_certificate
from apps.work import services as work
from apps.work.words import Words, words
from dotmac.acme import Facts, renewal_of
from dotmac.crypto.secret import Secret

_Status = Certificate.Status
_OPEN = (_Status.WANTED, _Status.VALID, _Status.FAILED)
_TITLE = gettext_noop("Certificate for {name}")


@transaction.atomic
def renew_now(certificate: Certificate, *, actor: Actor) -> None:
    """Have it renewed by a worker, whenever it ends; BusyError while it is being ordered."""
    _check_set_up()
    now = timezone.now()
    rows = Certificate.objects.filter(pk=certificate.pk, status__in=_OPEN)
    if not rows.update(renew_at=now, next_at=now, updated_at=now):
        raise _busy(certificate)
    events.record("certificate.renewal_asked", actor=actor, subject=certificate)
    call(certificate)
    certificate.refresh_from_db()


@transaction.atomic
def revoke(certificate: Certificate, *, reason: int, actor: Actor) -> None:
    """Have the present one revoked by a worker, and another one ordered with a new key."""
    _check_set_up()
    now = timezone.now()
    rows = Certificate.objects.filter(
        pk=certificate.pk, status__in=_OPEN, expires_at__isnull=False, revoke_reason=None
    )
    if not rows.update(revoke_reason=reason, next_at=now, updated_at=now):
        raise _busy(certificate)
    data = {"reason": reason}
    events.record("certificate.revocation_asked", actor=actor, subject=certificate, data=data)
    call(certificate)
    certificate.refresh_from_db()


def call(certificate: Certificate) -> None:
    """Have a worker look at it now."""
    work.call(KIND, str(certificate.uuid), title=title_of(certificate))


def title_of(certificate: Certificate) -> Words:
    """What the work of it is called."""
    return words(_TITLE, name=certificate.name)


def call_due() -> int:
    """Call a worker for each that is due; returns for how many."""
    if account_in_force() is None:
        return 0
    due = Certificate.objects.filter(next_at__lte=timezone.now()).exclude(status=_Status.ENDED)
    rows = list(due.order_by("next_at")[:200])
    for row in rows:
        call(row)
    return len(rows)


def note_begun(row: Certificate, order_url: str, key: Secret) -> None:
    """An order is there; stored with its key at once, so that it is not ordered twice."""
    status = _Status.RENEWING if row.expires_at else _Status.ORDERING
    _write(row, status=status, order_url=order_url, order_key=seal(key, ORDER_KEY))
    events.record("certificate.ordered", actor=SYSTEM, subject=row, data={"names": row.hostnames})


def note_issued(row: Certificate, chain: str, key: Secret, facts: Facts) -> None:
    """It is there: given to the edges in the same transaction, and kept in the history."""
    was_there = row.expires_at is not None
    renew_at = renewal_of(facts)
    serve_certificate(
        name=row.name,
        hostnames=list(facts.names),
        chain=chain,
        key=key,
        expires_at=facts.ends_at,
        # Between the time for renewal and the end: a short life is warned of in time too.
        warn_at=max(renew_at + (facts.ends_at - renew_at) / 2, facts.ends_at - timedelta(days=14)),
    )
    IssuedCertificate.objects.get_or_create(
        certificate=row,
        fingerprint=facts.fingerprint,
        defaults={
            "hostnames": list(facts.names),
            "issuer": facts.issuer[:200],
            "serial": facts.serial,
            "chain": chain,
            "starts_at": facts.starts_at,
            "expires_at": facts.ends_at,
        },
    )
    had_failed = row.is_told
    _write(
        row,
        status=_Status.VALID,
        order_url="",
        order_key="",
        issuer=facts.issuer[:200],
        starts_at=facts.starts_at,
        expires_at=facts.ends_at,
        renew_at=renew_at,
        next_at=renew_at,
        failures=0,
        last_error="",
        last_error_at=None,
        is_told=False,
    )
    data = {"issuer": facts.issuer, "serial": facts.serial, "ends": facts.ends_at.isoformat()}
    kind = "certificate.renewed" if was_there else "certificate.issued"
    events.record(kind, actor=SYSTEM, subject=row, data=data)
    if had_failed:
        events.record("certificate.recovered", actor=SYSTEM, subject=row)


def note_failed(
    row: Certificate, error: str, *, at_least_s: float = 0.0, keeps_order: bool = True
) -> float:
    """It did not come about; when it is tried again, in seconds. Failures in a row are told."""
    pause = max(PAUSES_S[min(row.failures, len(PAUSES_S) - 1)], at_least_s)
    now = timezone.now()
    order = {} if keeps_order else {"order_url": "", "order_key": ""}
    _write(
        row,
        status=_Status.FAILED,
        failures=F("failures") + 1,
        last_error=error[:500],
        last_error_at=now,
        next_at=now + timedelta(seconds=pause),
        **order,
    )
    row.refresh_from_db()
    data = {"error": row.last_error, "failures": row.failures}
    events.record("certificate.failed", actor=SYSTEM, subject=row, data=data)
    if row.failures >= TOLD_AFTER and not row.is_told:
        _write(row, is_told=True)
        events.record("certificate.failing", actor=SYSTEM, subject=row, data=data)
    return pause


def note_revoked(row: Certificate) -> None:
    """The present one is revoked; another is wanted at once."""
    now = timezone.now()
    newest = IssuedCertificate.objects.filter(certificate=row, revoked_at=None).first()
    if newest is not None:
        IssuedCertificate.objects.filter(pk=newest.pk).update(revoked_at=now)
    data = {"serial": newest.serial if newest else "", "reason": row.revoke_reason}
    _write(row, revoke_reason=None, renew_at=now, next_at=now)
    events.record("certificate.revoked", actor=SYSTEM, subject=row, data=data)


def note_look(row: Certificate, renew_at: datetime | None, next_at: datetime) -> None:
    """When it is renewed, and when it is looked at before; the record tells of neither."""
    _write(row, renew_at=renew_at, next_at=next_at)


def _write(row: Certificate, **values: object) -> None:
    """Inside `lease.atomic()`, whose epoch fences it."""
    Certificate.objects.filter(pk=row.pk).update(**values, updated_at=timezone.now())
    for name, value in values.items():
        setattr(row, name, value)


def _check_set_up() -> None:
    if account_in_force() is None:
        text = _(
            "No certificate authority is set up. An owner does that under “Certificate authority”."
        )
        raise NotSetUpError(text)


def _busy(certificate: Certificate) -> BusyError:
    text = _("The certificate for %(name)s is at work or not there. Look again in a moment.")
    return BusyError(text % {"name": certificate.name})
