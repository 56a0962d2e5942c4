"""What a console that was imported says of its instances, as it is on this platform."""

from uuid import uuid4

from django.db import transaction
from django.utils.translation import ngettext

from apps.events import services as events
from apps.events.actors import Actor
from apps.fleet import services as fleet
from apps.fleet.models import Placement
from apps.instances.constants import WORKSPACE_APP
from apps.instances.exceptions import InstanceQuotaError
from apps.instances.models import Instance
from apps.instances.services import (
    allowed_instances,
    create_shared_workspace,
    serve_by_platform,
    workspace_host_of,
)
from apps.tenancy.kinds import current_schema
from apps.tenants.models import Organisation
from apps.tenants.plans import entitlements_of


@transaction.atomic
def adopt_instances(organisation: Organisation, *, actor: Actor) -> None:
    """Their addresses are of this platform, and it serves the workspace, whose schema lies here.

    InstanceQuotaError where the plan holds fewer than there are.
    """
    _refuse_too_many(organisation)
    _renew_ids()
    workspace = Instance.objects.filter(app=WORKSPACE_APP).first()
    if workspace is None:
        create_shared_workspace(organisation, actor=actor)
        return
    if fleet.open_placements(workspace.uuid).exists():
        return
    host = workspace_host_of(organisation)
    _move_others(organisation, host.partition(".")[2])
    Instance.objects.filter(pk=workspace.pk).update(
        hosting=Instance.Hosting.SHARED,
        status=Instance.Status.ACTIVE,
        status_reason="",
        release="",
        hostname=host,
        region=organisation.region,
        deployment=0,
    )
    workspace.refresh_from_db()
    serve_by_platform(workspace)
    data = {"hosting": "shared"}
    events.record("instance.deployed", actor=actor, subject=workspace, data=data)


def _renew_ids() -> None:
    """A copy of a console that is here too is not the same instances: their ids name containers."""
    here = current_schema()
    for row in Instance.objects.all():
        if Placement.objects.filter(instance=row.uuid).exclude(schema=here).exists():
            Instance.objects.filter(pk=row.pk).update(uuid=uuid4())


def _move_others(organisation: Organisation, domain: str) -> None:
    """Their containers come with their next deployment."""
    for row in Instance.objects.exclude(app=WORKSPACE_APP):
        row.hostname = f"{organisation.slug}--{row.app}.{domain}"
        row.region = organisation.region
        row.save(update_fields=["hostname", "region"])


def _refuse_too_many(organisation: Organisation) -> None:
    allowed = allowed_instances(entitlements_of(organisation))
    used = Instance.objects.exclude(status=Instance.Status.ARCHIVED).count()
    if used > allowed:
        raise InstanceQuotaError(
            ngettext(
                "This plan allows %(allowed)s instance, and the console has %(used)s. Choose a"
                " larger plan.",
                "This plan allows %(allowed)s instances, and the console has %(used)s. Choose a"
                " larger plan.",
                allowed,
            )
            % {"allowed": allowed, "used": used},
            field="plan",
        )
