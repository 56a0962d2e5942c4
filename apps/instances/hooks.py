"""What instances do when a console is made or erased: the workspace comes and goes with it."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.billing.services import OfferedPlan
from apps.core.sealed import seals
from apps.events.actors import SYSTEM, Actor
from apps.fleet.registry import when_server_is_lost
from apps.instances import services
from apps.instances.adopting import adopt_instances
from apps.instances.constants import WORKSPACE_APP
from apps.instances.losing import give_up_instances, is_workspace_lost
from apps.instances.models import Deployment, Instance
from apps.instances.pipelines import erase
from apps.instances.sealed import opened
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from apps.tenancy.transfer.registry import Arrival, when_arrived
from apps.tenants.erasing.registry import Removal, removes_instances
from apps.tenants.grants import signs_reports
from apps.tenants.models import Organisation
from apps.tenants.registry import (
    knows_lost_workspaces,
    when_console_is_adopted,
    when_console_is_made,
)
from dotmac.crypto.keys import SigningKey, VerifyKey


@when_console_is_made
def make_workspace(organisation: Organisation, plan: OfferedPlan) -> None:
    """Shared at once, or dedicated by a deployment, as the plan says."""
    if plan.entitlements.get("hosting") == "dedicated":
        services.create_dedicated_workspace(organisation, actor=SYSTEM)
    else:
        services.create_shared_workspace(organisation, actor=SYSTEM)


@when_console_is_adopted
def take_instances_over(organisation: Organisation, actor: Actor) -> None:
    """The workspace is served at once; other instances wait for their next deployment."""
    adopt_instances(organisation, actor=actor)


def remove_instances(begun: list[str], actor: Actor) -> Removal:
    """Begin the removal of each instance that is free, and say which are still there.

    One that another operation changes is waited for; a removal that failed before is begun anew,
    one that failed in this attempt is told.
    """
    found = Removal(begun=list(begun))
    for instance in Instance.objects.order_by("pk"):
        last = Operation.objects.filter(subject_id=str(instance.uuid), uuid__in=found.begun).first()
        active = operations.active_on(instance)
        if active is None and last is not None and last.status in Operation.ENDED:
            found.failed = last.cause or str(last)
        elif active is None:
            active = operations.start(erase.NAME, subject=instance, actor=actor)
            found.begun.append(str(active.uuid))
        if active is not None:
            found.waits_for = words_of(active)
    if not (found.waits_for or found.failed):
        found.counts, found.unproven = _removed(), _unproven()
    return found


def instances_here() -> list[UUID]:
    """Their ids, and no names."""
    return list(Instance.objects.values_list("uuid", flat=True))


removes_instances(remove_instances, instances_here)
knows_lost_workspaces(is_workspace_lost)


def words_of(operation: Operation) -> str:
    """What is waited for, without what the ISP called it."""
    if operation.name == erase.NAME:
        return _("An instance is being removed. %(why)s") % {"why": operation.waits_for}
    return _("Another change of an instance ends first.")


def _removed() -> dict[str, int]:
    """How much went by all removals of this console, those of earlier attempts included."""
    done = Operation.objects.filter(name=erase.NAME).values_list("subject_id", "memory")
    names: dict[str, set[str]] = {"instances": {subject for subject, _memory in done}}
    for _subject, memory in done:
        for kind in ("containers", "networks", "volumes"):
            if kind in memory:
                names.setdefault(kind, set()).update(memory[kind])
    return {kind: len(found) for kind, found in sorted(names.items())}


def _unproven() -> list[dict[str, Any]]:
    """What none of those removals saw go, by server."""
    found: dict[str, dict[str, Any]] = {}
    done = Operation.objects.filter(name=erase.NAME).order_by("pk")
    for memory in done.values_list("memory", flat=True):
        for one in memory.get("unproven", []):
            kept = found.setdefault(one["server"], {**one, "containers": [], "volumes": []})
            for kind in ("containers", "volumes"):
                kept[kind] = sorted({*kept[kind], *one[kind]})
    return [found[name] for name in sorted(found)]


@signs_reports
def workspace_key(organisation: Organisation) -> VerifyKey:
    """The public key of a dedicated workspace's stack, which signs its usage reports."""
    assert organisation.console is not None
    with schema_of(organisation.console.schema_name):
        instance = Instance.objects.get(app=WORKSPACE_APP)
        pem = opened(instance)["INSTANCE_SIGNING_KEY"].replace("\\n", "\n")
    return SigningKey.from_pem(pem).public


when_server_is_lost(give_up_instances)


@when_arrived("instances")
def _without_containers(arrival: Arrival) -> None:
    """Containers and their volumes stay on their hosts; a deployment finds them, or makes new."""
    gone = Instance.objects.filter(hosting=Instance.Hosting.DEDICATED).exclude(
        status__in=[Instance.Status.ARCHIVED, Instance.Status.FAILED]
    )
    reason = _("Its console was imported; its containers were not. Deploy it here.")
    count = gone.update(status=Instance.Status.FAILED, status_reason=reason)
    if count:
        text = ngettext(
            "%(count)s instance has no containers here: deploy it again.",
            "%(count)s instances have no containers here: deploy them again.",
            count,
        )
        arrival.notes.append(text % {"count": count})


seals(Instance, "sealed")
seals(Deployment, "sealed")
