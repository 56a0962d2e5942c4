"""Addresses to which nothing is sent any more: refused for good, bounced, or complained."""

import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.notifications.models import BounceAddress, Suppressed
from apps.tenancy.kinds import current_schema

_DIGEST = "sha256"
OVERLAP = timedelta(days=7)
# What a reason begins with that no person wrote, as it is kept, and as pages say it.
_WORDS = {
    "Bounced": (_("Bounced"), _("Bounced: %(said)s")),
    "Complained": (_("Complained"), _("Complained: %(said)s")),
    "Refused": (_("Refused"), _("Refused: %(said)s")),
}


@transaction.atomic
def suppress(address: str, *, reason: str, actor: Actor) -> bool:
    """Put an address on the list; False where it is there already."""
    row, is_new = Suppressed.objects.get_or_create(
        address=address.strip().lower(), defaults={"reason": reason[:200]}
    )
    if is_new:
        data = {"reason": row.reason}
        events.record("address.suppressed", actor=actor, subject=row, data=data)
    return is_new


@transaction.atomic
def release(row: Suppressed, *, actor: Actor) -> None:
    """Take an address off the list."""
    events.record("address.released", actor=actor, subject=row)
    row.delete()


def reason_against(address: str) -> str:
    """Why nothing is sent to an address; nothing where it may be."""
    rows = Suppressed.objects.filter(address=address.lower()).values_list("reason", flat=True)
    found = rows.first()
    return "" if found is None else found or "Put there by hand"


def shown_reason(row: Suppressed) -> str:
    """Why, in the reader's language; what a server or a person said stays as it was said."""
    if not row.reason:
        return str(_("Put there by hand"))
    word, _colon, said = row.reason.partition(": ")
    if word not in _WORDS:
        return row.reason
    alone, with_more = _WORDS[word]
    return str(with_more) % {"said": said} if said else str(alone)


def bounce_token() -> str:
    """What opens the current schema's address for bounces."""
    row = BounceAddress.objects.first()
    return _token(row.generation if row else 0)


def is_bounce_token(token: str) -> bool:
    """Whether a token is that of the current schema, or of before while it still counts."""
    row = BounceAddress.objects.first() or BounceAddress(generation=0)
    known = [row.generation]
    if row.generation and timezone.now() < row.renewed_at + OVERLAP:
        known.append(row.generation - 1)
    return any(hmac.compare_digest(token.encode(), _token(one).encode()) for one in known)


def old_token_until() -> datetime | None:
    """Until when the address of before still counts; None when none does."""
    row = BounceAddress.objects.filter(generation__gt=0).first()
    until = row and row.renewed_at + OVERLAP
    return until if until and until > timezone.now() else None


@transaction.atomic
def renew_bounce_address(*, actor: Actor) -> None:
    """A new address for bounces; that of before counts for a week, so the provider can change."""
    BounceAddress.objects.get_or_create(is_only=True)
    row = BounceAddress.objects.select_for_update().get(is_only=True)
    rows = BounceAddress.objects.filter(pk=row.pk)
    rows.update(generation=row.generation + 1, renewed_at=timezone.now())
    about = Subject("bounce_address", "1", "Bounce address")
    events.record("bounce_address.renewed", actor=actor, subject=about)


def _token(generation: int) -> str:
    said = f"bounces|{current_schema()}" + (f"|{generation}" if generation else "")
    return hmac.new(settings.SECRET_KEY.encode(), said.encode(), _DIGEST).hexdigest()[:40]
