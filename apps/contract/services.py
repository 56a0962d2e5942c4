"""Accepting grants and answering with usage reports, the same for shared and dedicated."""

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.departures import keep_only, sign_out
from apps.accounts.keys import verify_keys
from apps.accounts.registry import knows_who_belongs
from apps.accounts.visits.services import end_others
from apps.contract.exceptions import GrantRefusedError
from apps.contract.models import HeldGrant
from apps.contract.registry import read_meters
from apps.core.api.limits import forget_limit
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.tenancy.kinds import WORKSPACE, current_schema, kind_of
from dotmac.crypto.contracts import (
    GRANT_LIFETIME,
    Grant,
    UsageReport,
    open_grant,
    sign_usage_report,
)
from dotmac.crypto.keys import SigningKey
from dotmac.crypto.tokens import TokenError

PLATFORM = Actor("platform", label="DotMac")
READ_ONLY = "read_only"


@transaction.atomic
def accept(token: str, *, tenant: UUID) -> HeldGrant:
    """Hold a newer grant for this workspace; GrantRefusedError for any other.

    The same grant again is accepted and changes nothing, since an answer may have been lost.
    """
    try:
        grant = open_grant(token, verify_keys(), tenant=tenant).value
    except TokenError as error:
        raise GrantRefusedError(f"This grant is not accepted: {error}") from error
    held = _held_for_update()
    if grant.serial < held.serial:
        raise GrantRefusedError(
            f"Grant {grant.serial} is older than grant {held.serial}, which is held."
        )
    if grant.serial > held.serial:
        _hold(held, grant)
    return held


def make_report(*, tenant: UUID, key: SigningKey) -> str:
    """Count, number and sign a usage report; a token for the platform."""
    with transaction.atomic():
        held = _held_for_update()
        held.report_number = F("report_number") + 1  # type: ignore[assignment]
        held.save(update_fields=["report_number"])
        held.refresh_from_db()
        report = UsageReport(
            number=held.report_number,
            tenant=tenant,
            period=f"{timezone.now():%Y-%m-%d}",
            meters=read_meters(),
        )
    return sign_usage_report(report, key, audience=settings.BASE_DOMAIN)


def held_grant() -> HeldGrant:
    """The grant of this workspace."""
    return HeldGrant.objects.first() or _first()


def is_read_only() -> bool:
    """Whether staff may only look: the platform said so, or has not been heard of for 14 days."""
    held = held_grant()
    until = held.valid_until or held.issued_at + GRANT_LIFETIME
    return held.mode == READ_ONLY or timezone.now() >= until


def days_left() -> int:
    """Whole days until the grant runs out."""
    held = held_grant()
    until = held.valid_until or held.issued_at + GRANT_LIFETIME
    return max(0, (until - timezone.now()) // timedelta(days=1))


@knows_who_belongs
def _is_named(identity: UUID, said_at: datetime) -> bool:
    """Whether a word of the platform is newer than the grant, or its person is in the grant.

    Under the lock of the grant: one that is accepted meanwhile finds whoever came in before it.
    """
    if kind_of(current_schema()) != WORKSPACE:
        return True
    held = _held_for_update()
    if held.members is None or said_at > held.issued_at:
        return True
    return str(identity) in held.members


def _held_for_update() -> HeldGrant:
    return HeldGrant.objects.select_for_update().first() or _first()


def _first() -> HeldGrant:
    try:
        with transaction.atomic():
            return HeldGrant.objects.create()
    except IntegrityError:
        return HeldGrant.objects.get()


def _hold(held: HeldGrant, grant: Grant) -> None:
    facts = asdict(grant)  # type: ignore[call-overload]
    for name in ("serial", "mode", "issued_at", "entitlements", "limits", "brand", "version"):
        setattr(held, name, facts[name])
    held.hostnames = list(grant.hostnames)
    held.members = None if grant.members is None else [str(one) for one in grant.members]
    held.valid_until, held.received_at = grant.valid_until, timezone.now()
    held.save()
    transaction.on_commit(forget_limit)
    events.record(
        "grant.accepted",
        actor=PLATFORM,
        subject=Subject("grant", str(grant.serial), f"Grant {grant.serial}"),
        data={"mode": grant.mode, "valid_until": grant.valid_until.isoformat()},
    )
    if grant.members is not None:
        keep_only(grant.members, as_of=grant.issued_at, actor=PLATFORM)
    for identity, moment in grant.signed_out.items():
        sign_out(identity, as_of=moment, actor=PLATFORM)
    if grant.visits is not None:
        end_others(grant.visits, before=grant.issued_at, actor=PLATFORM)
