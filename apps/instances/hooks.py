"""What instances do when a console is made: the workspace comes with it."""

from apps.billing.services import OfferedPlan
from apps.events.actors import SYSTEM
from apps.instances import services
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance
from apps.instances.sealed import opened
from apps.tenancy.kinds import schema_of
from apps.tenants.grants import signs_reports
from apps.tenants.models import Organisation
from apps.tenants.registry import when_console_is_made
from dotmac.crypto.keys import SigningKey, VerifyKey


@when_console_is_made
def make_workspace(organisation: Organisation, plan: OfferedPlan) -> None:
    """Shared at once, or dedicated by a deployment, as the plan says."""
    if plan.entitlements.get("hosting") == "dedicated":
        services.create_dedicated_workspace(organisation, actor=SYSTEM)
    else:
        services.create_shared_workspace(organisation, actor=SYSTEM)


@signs_reports
def workspace_key(organisation: Organisation) -> VerifyKey:
    """The public key of a dedicated workspace's stack, which signs its usage reports."""
    assert organisation.console is not None
    with schema_of(organisation.console.schema_name):
        instance = Instance.objects.get(app=WORKSPACE_APP)
        pem = opened(instance)["INSTANCE_SIGNING_KEY"].replace("\\n", "\n")
    return SigningKey.from_pem(pem).public
