"""Addresses to which nothing is sent any more: refused for good, bounced, or complained."""

import hmac

from django.conf import settings
from django.db import transaction

from apps.events import services as events
from apps.events.actors import Actor
from apps.notifications.models import Suppressed
from apps.tenancy.kinds import current_schema

_DIGEST = "sha256"


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


def bounce_token() -> str:
    """What opens the current schema's address for bounces."""
    said = f"bounces|{current_schema()}"
    return hmac.new(settings.SECRET_KEY.encode(), said.encode(), _DIGEST).hexdigest()[:40]


def is_bounce_token(token: str) -> bool:
    """Whether a token is that of the current schema."""
    return hmac.compare_digest(token.encode(), bounce_token().encode())
