"""Waiting until a stack answers, and giving up early on one that will not get up."""

import time
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.instances.probing import container_status
from apps.instances.stack import Stack
from apps.operations.exceptions import StepError
from apps.operations.pipelines import Run
from dotmac.engine.base import EXITED, ContainerInfo, Engine
from dotmac.engine.errors import EngineError

_EVERY_S = 0.03
# How often the others are looked at, on which the app may wait.
_LOOK_EVERY_S = 1.0
# A container that ended so often while it was to become healthy will not get up.
_GIVEN_UP_AFTER = 4
_SILENT = gettext_lazy("nothing answered")


class DeadError(StepError):
    """A container of the stack is gone, or ends again and again."""


def wait_healthy(run: Run, engine: Engine, stack: Stack) -> None:
    """Ask the container itself until it answers as its manifest says."""
    health = stack.plan.health
    watch = _Watch(engine, stack)
    try:
        run.wait_until(
            watch.is_healthy,
            what=_("The health check"),
            every_s=_EVERY_S,
            within_s=health.timeout_s,
        )
    except DeadError:
        raise
    except StepError as error:
        raise StepError(
            _(
                "The app did not become healthy within %(timeout)s s: %(said)s at "
                "%(path)s. Its last output is in the log."
            )
            % {"timeout": health.timeout_s, "said": watch.said, "path": health.path},
            detail=_last_output(engine, stack, health.endpoint.container),
        ) from error


@dataclass
class _Watch:
    """What was seen of a stack while it was to become healthy."""

    engine: Engine
    stack: Stack
    said: str | Promise = _SILENT
    looked_at: float = field(default_factory=time.monotonic)
    ended: set[str] = field(default_factory=set)

    def is_healthy(self) -> bool:
        """Whether the app answers; DeadError when it will not."""
        health = self.stack.plan.health
        found = self.engine.container(health.endpoint.container)
        if found is None:
            raise DeadError(
                _("The container %(container)s is gone. Deploy again.")
                % {"container": health.endpoint.container}
            )
        self._refuse_restarting(found)
        status = container_status(found, health)
        self.said = _("it answered %(status)s") % {"status": status} if status else _SILENT
        if status is None:
            self._look_around()
        return status == health.status

    def _look_around(self) -> None:
        """From time to time, see whether what the app waits for is dead."""
        if time.monotonic() < self.looked_at + _LOOK_EVERY_S:
            return
        self.looked_at = time.monotonic()
        names = {spec.name for spec in self.stack.plan.containers}
        found = [one for one in self.engine.containers(self.stack.labels) if one.name in names]
        for one in found:
            self._refuse_restarting(one)
            # Twice in a row: an engine that has just restarted starts them in a moment.
            if one.state == EXITED and one.name in self.ended:
                self._give_up(one, "ended")
        self.ended = {one.name for one in found if one.state == EXITED}

    def _refuse_restarting(self, found: ContainerInfo) -> None:
        # One that runs again may still get up, as when its database was late.
        if found.restart_count >= _GIVEN_UP_AFTER and not found.is_running:
            self._give_up(found, f"ended {found.restart_count} times")

    def _give_up(self, found: ContainerInfo, how: str) -> None:
        is_app = found.name == self.stack.plan.health.endpoint.container
        who = (
            _("The app")
            if is_app
            else _("The service %(service)s") % {"service": found.labels.get("dotmac.service")}
        )
        why = f" {found.error}" if found.error else ""
        raise DeadError(
            _(
                "%(who)s %(how)s while starting (exit code %(exit_code)s).%(why)s Its "
                "last output is in the log."
            )
            % {"who": who, "how": how, "exit_code": found.exit_code, "why": why},
            detail=_last_output(self.engine, self.stack, found.name),
        )


def _last_output(engine: Engine, stack: Stack, container: str) -> str:
    try:
        text = engine.logs(container, tail_lines=40)
    except EngineError as error:
        return _("(its output could not be read: %(error)s)") % {"error": error}
    return stack.without_secrets(text)
