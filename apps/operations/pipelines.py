"""How a pipeline is declared: steps as classes, and the run they are given.

class ReservePlacement(Step):
    key, title = "reserve", "Reserve a place"

    def run(self, run: Run) -> None: ...
    def undo(self, run: Run) -> None: ...

register(Pipeline("instances.deploy", "Deploy {subject}", (ReservePlacement, …)))
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from structlog.contextvars import bind_contextvars

from apps.operations.exceptions import StepError
from apps.operations.models import LogLine, Operation
from apps.operations.models import Step as Row
from apps.operations.progress import announce
from apps.work.leases import Lease
from apps.work.services import note_progress


@dataclass
class Run:
    """One attempt of a worker at an operation: what a step sees."""

    operation: Operation
    lease: Lease
    position: int = 0
    # Of how many steps.
    steps: int = 1
    started: float = 0.0
    deadline_s: float = 0.0
    cache: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def params(self) -> dict[str, Any]:
        """What the operation was started with."""
        return self.operation.params  # type: ignore[no-any-return]

    @property
    def memory(self) -> dict[str, Any]:
        """What earlier steps remembered."""
        return self.operation.memory  # type: ignore[no-any-return]

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """A transaction that commits only while this worker holds the operation."""
        with self.lease.atomic():
            yield

    def assert_held(self) -> None:
        """Raise LeaseLostError when the lease ran out: call before every outside change."""
        self.lease.assert_held()

    def remember(self, **facts: Any) -> None:
        """Keep facts for later steps and for a later worker."""
        with self.atomic():
            self.operation.memory = {**self.operation.memory, **facts}
            Operation.objects.filter(pk=self.operation.pk).update(memory=self.operation.memory)

    def log(self, text: str, *, level: str = "info") -> None:
        """Add a line to the step's log, which people watch live; never a secret."""
        with self.atomic():
            LogLine.objects.create(
                operation=self.operation,
                step_position=self.position,
                at=timezone.now(),
                level=level,
                text=text[:4000],
            )
            announce(self.operation)

    def tell(self, done: int, of_all: int, text: str = "") -> None:
        """Say how far the step is: a part of the bar, and a line of the log where there is one."""
        percent = min(100, 100 * done // of_all) if of_all else 0
        with self.atomic():
            step = Row.objects.filter(operation=self.operation, position=self.position)
            step.update(percent=percent)
            note_progress(self.lease, (100 * self.position + percent) // max(1, self.steps))
            announce(self.operation)
            if text:
                self.log(text)

    def enter(self, step: "Step", position: int) -> None:
        """Turn to a step: its log and its deadline, after which the heartbeat ends as well."""
        self.position, self.started, self.deadline_s = position, time.monotonic(), step.deadline_s
        bind_contextvars(step=step.key)
        self.lease.works_until = self.started + step.deadline_s + settings.LEASE_SECONDS

    def remaining_s(self) -> float:
        """Seconds until the deadline of the step."""
        return self.deadline_s - (time.monotonic() - self.started)

    def wait_until(
        self, is_so: Callable[[], bool], *, what: str, every_s: float = 0.05, within_s: float = 0
    ) -> None:
        """Poll until it is so; StepError naming `what` at the limit or the step's deadline."""
        allowed_s = min(within_s or self.remaining_s(), self.remaining_s())
        limit = time.monotonic() + allowed_s
        while not is_so():
            self.assert_held()
            if time.monotonic() >= limit:
                raise StepError(
                    _("%(what)s did not happen within %(allowed)s s.")
                    % {"what": what, "allowed": f"{allowed_s:.0f}"}
                )
            time.sleep(every_s)


class Step:
    """A step: `run` may be repeated at any time and adopts what is there already.

    `check` says whether it is already so (asked before a repeat), and that what `run` remembers
    is remembered, for `run` is left out then. `undo` takes back what `run`
    made, also when `run` was cut off in the middle. A step that takes longer than `deadline_s`
    is taken from its worker and begun again, so it must be chosen with room.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    deadline_s: ClassVar[float] = 120
    attempts: ClassVar[int] = 5

    def check(self, run: Run) -> bool:
        """Whether the outside world is already as `run` would make it."""
        return False

    def run(self, run: Run) -> None:
        """Do it."""
        raise NotImplementedError

    def undo(self, run: Run) -> None:
        """Take it back; nothing by default."""


@dataclass(frozen=True)
class Pipeline:
    """The steps of a named operation; `settle` runs in the transaction that ends it.

    `after` tells the page what comes next: next_url, next_label, next_text, crumbs, facts.
    """

    name: str
    title: str
    steps: tuple[type[Step], ...]
    settle: Callable[[Run, str], None] | None = None
    can_cancel: bool = True
    after: Callable[[Operation], dict[str, Any]] | None = None
    # The permission of what it does: to cancel or repeat it takes that as well.
    asks: Callable[[Operation], str] | None = None
    # Raises ConflictError when its subject stands so by now that it must not be repeated.
    fits: Callable[[Operation], None] | None = None


_pipelines: dict[str, Pipeline] = {}


def register(pipeline: Pipeline) -> Pipeline:
    """Make a pipeline known by its name."""
    _pipelines[pipeline.name] = pipeline
    return pipeline


def title_of(operation: Operation) -> str:
    """What it does, in the reader's language; as it was stored where no release knows it."""
    pipeline = _pipelines.get(operation.name)
    if pipeline is None:
        return operation.title
    return _(pipeline.title).format(subject=operation.subject_label)


def is_known(name: str) -> bool:
    """Whether this release has a pipeline of that name."""
    return name in _pipelines


def pipeline_of(name: str) -> Pipeline:
    """The pipeline of a name; KeyError when no app registered it."""
    return _pipelines[name]
