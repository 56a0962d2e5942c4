"""Workers that die, and the one that takes over."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.operations.pipelines import Run, Step
from apps.work.models import Due
from apps.work.services import reap
from dotmac.engine.fake import Killed


def take_over() -> None:
    """The lease of the dead worker runs out, and the clock hands its work on."""
    connection.set_schema_to_public()
    Due.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    assert reap() == 1


def die_and_go_on(run_due: Callable[[], list[str]]) -> None:
    """One worker dies as arranged; another one carries the work to its end."""
    with pytest.raises(Killed):
        run_due()
    take_over()
    run_due()


def kill_at(monkeypatch: pytest.MonkeyPatch, step: type[Step], method: str, when: str) -> None:
    """Let the first worker that comes to a step's method die before or after it."""
    alive = [True]
    original = getattr(step, method)

    def dying(self: Step, run: Run) -> None:
        is_first = alive and alive.pop()
        if is_first and when == "before":
            raise Killed(f"{step.key}.{method}")
        original(self, run)
        if is_first:
            raise Killed(f"{step.key}.{method}")

    monkeypatch.setattr(step, method, dying)
