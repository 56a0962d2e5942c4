"""How much a workspace's programs may ask of its API: the plan says, by the grant."""

from apps.contract.services import held_grant
from apps.core.api.limits import limit_source
from apps.tenancy.kinds import WORKSPACE, current_schema, kind_of


@limit_source
def planned_limit() -> int | None:
    """Requests a minute by the grant that is held; None where no plan names it."""
    if kind_of(current_schema()) != WORKSPACE:
        return None
    limit: int | None = held_grant().entitlements.get("api_requests_per_minute")
    return limit
