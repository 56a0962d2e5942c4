"""The first steps on a home page: each ticks itself from what is there.

A panel gives those that its viewer may do, as `Step`; what somebody put away stays away for them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from apps.portal.models import KEY_LENGTH as LONGEST
from apps.portal.models import StepSetAside

__all__ = ["LONGEST", "MOST", "Step", "bring_back", "checklist", "set_aside"]
# More than any home has.
MOST = 50


@dataclass(frozen=True)
class Step:
    """Something to do once: where, and whether it is done."""

    key: str
    title: str
    text: str
    url: str
    done: bool
    order: int = 50


def checklist(steps: Iterable[Step], user: Any) -> dict[str, Any]:
    """The steps to show in order, and how many are put away; nothing once all are done."""
    ordered = sorted(steps, key=lambda step: step.order)
    if all(step.done for step in ordered):
        return {"checklist": []}
    away = set(StepSetAside.objects.filter(user_id=user.pk).values_list("step", flat=True))
    shown = [step for step in ordered if step.key not in away]
    is_over = all(step.done for step in shown)
    return {
        "checklist": [] if is_over else shown,
        "steps_done": sum(step.done for step in shown),
        "steps_away": sum(1 for step in ordered if step.key in away and not step.done),
    }


def set_aside(user: Any, keys: Iterable[str]) -> None:
    """Do not show these steps to somebody any more."""
    rows = [StepSetAside(user_id=user.pk, step=key) for key in keys]
    StepSetAside.objects.bulk_create(rows, ignore_conflicts=True)


def bring_back(user: Any) -> None:
    """Show somebody all steps again."""
    StepSetAside.objects.filter(user_id=user.pk).delete()
