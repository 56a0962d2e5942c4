"""What the steps of a deployment know: its stack, the one before it, and how it began."""

from apps.fleet import services as fleet
from apps.instances.models import Instance
from apps.instances.pipelines.common import instance_of, stack_of
from apps.instances.stack import Stack
from apps.operations.pipelines import Run


def new_stack(run: Run) -> Stack:
    """The stack that is being put in place."""
    return stack_of(run, run.memory["deployment"], run.params["release"])


def is_first(run: Run) -> bool:
    """Whether nothing runs that it follows."""
    return bool(run.memory["first"])


def old_stack(run: Run) -> Stack | None:
    """The stack that this deployment is to follow; None on a first one."""
    old = run.memory["old"]
    return stack_of(run, old["number"], old["release"]) if old and not is_first(run) else None


def was_serving(run: Run) -> bool:
    """Whether the instance was in use when the deployment began."""
    return bool(run.memory["before"] == Instance.Status.ACTIVE)


def has_place(run: Run) -> bool:
    """Whether the reservation was made, without which there is nothing on any server."""
    if "deployment" not in run.memory:
        return False
    rows = fleet.open_placements(instance_of(run).uuid)
    return rows.filter(deployment=run.memory["deployment"]).exists()


def starts_by_itself(stack: Stack) -> bool:
    """Whether all its containers may start at once on an empty database."""
    release = stack.manifest.release
    return release is None or release.at_start
