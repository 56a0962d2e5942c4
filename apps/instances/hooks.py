"""What instances do when a console is made: the workspace comes with it."""

from apps.billing.services import OfferedPlan
from apps.events.actors import SYSTEM
from apps.instances import services
from apps.tenants.models import Organisation
from apps.tenants.registry import when_console_is_made


@when_console_is_made
def make_workspace(organisation: Organisation, plan: OfferedPlan) -> None:
    """Shared at once, or dedicated by a deployment, as the plan says."""
    if plan.entitlements.get("hosting") == "dedicated":
        services.create_dedicated_workspace(organisation, actor=SYSTEM)
    else:
        services.create_shared_workspace(organisation, actor=SYSTEM)
