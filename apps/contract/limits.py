"""What the grant that is held says: requests to the API, mails in a day, and the time zone."""

from apps.branding.looks import zone_source
from apps.branding.quota import quota_source
from apps.contract.models import HeldGrant
from apps.contract.registry import meter
from apps.contract.services import held_grant
from apps.core.api.limits import limit_source
from apps.events.marks import mark
from apps.tenancy.kinds import WORKSPACE, current_schema, kind_of


@limit_source
def planned_limit() -> int | None:
    """Requests a minute by the grant that is held; None where no plan names it."""
    return _planned("api_requests_per_minute")


@quota_source
def planned_mails() -> int | None:
    """Mails in a day by the grant that is held; None where no plan names them."""
    return _planned("mails_per_day")


@zone_source
def granted_zone() -> str:
    """The time zone of the organisation by the grant that is held."""
    if kind_of(current_schema()) != WORKSPACE:
        return ""
    # Whoever only looks makes no grant.
    held = HeldGrant.objects.values_list("brand", flat=True).first()
    return str((held or {}).get("time_zone", ""))


@meter("events_sealed")
def count_sealed() -> int:
    """How far the event log is: the operator knows by it when one was cut back."""
    row = mark()
    return row.number if row else 0


def _planned(name: str) -> int | None:
    if kind_of(current_schema()) != WORKSPACE:
        return None
    found: int | None = held_grant().entitlements.get(name)
    return found
