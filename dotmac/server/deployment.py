"""Bringing a release to serve, and going back, without a request that fails.

What is to be done is read from what is there: which release each service runs, and which slot the
edge leads to. So whoever was killed half way is simply run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from dotmac.server import edge, proc
from dotmac.server.children import manage, told
from dotmac.server.edge import Answer
from dotmac.server.errors import SetupError
from dotmac.server.links import led_to, link
from dotmac.server.options import SLOTS, Options
from dotmac.server.plan import CLOCK, EDGE, WEBS, WORKER
from dotmac.server.releases import Release, linked
from dotmac.server.services import Services
from dotmac.server.terminal import Terminal

_READY_S = 120
_DRAIN_S = 60
_POLL_S = 0.1
# A request that the edge sent off before it changed has arrived by then.
_ARRIVED_S = 1.0
# What dies of a mistake in its code dies while it loads.
_SETTLED_S = 3.0
_SHOWN = 12


class Deployment:
    """The services of one server, brought to a release."""

    def __init__(self, options: Options, services: Services, terminal: Terminal) -> None:
        self.options = options
        self.services = services
        self.terminal = terminal

    def bring(
        self,
        release: Release,
        *,
        anew: bool = False,
        when_led: Callable[[], object] = lambda: None,
    ) -> None:
        """Have a release serve; when it cannot, the one that served goes on. SetupError.

        `anew` starts everything once more though it runs that release, to read new settings.
        `when_led` is called as soon as the edge leads to it, and raises nothing.
        """
        served = linked(self.options.layout.current)
        slot = edge.serving(self.options)
        self._start_edge(release)
        try:
            slot = self._take_over(release, slot, anew=anew, when_led=when_led)
        except (SetupError, KeyboardInterrupt) as error:
            if served is None:
                raise
            self._go_back(served, slot)
            why = str(error) or "Interrupted."
            raise SetupError(f"{why}\n  Release {served.name} serves on.") from error
        self._finish(release, slot)

    def is_at(self, release: Release) -> bool:
        """Whether everything runs this release, and nothing else does."""
        slot = edge.serving(self.options)
        if slot is None or self.services.is_running(f"web-{_other(slot)}"):
            return False
        names = (f"web-{slot}", WORKER, CLOCK)
        return self.services.is_running(EDGE) and all(self._runs(one, release) for one in names)

    def _take_over(
        self,
        release: Release,
        slot: str | None,
        *,
        anew: bool,
        when_led: Callable[[], object],
    ) -> str:
        """Web first, beside the old one; then clock and worker. The slot that serves now."""
        if anew or slot is None or not self._runs(f"web-{slot}", release):
            slot = _other(slot) if slot else SLOTS[0]
            self._start_web(slot, release, anew=anew)
        self._lead_to(slot, release)
        when_led()
        self._renew([CLOCK, WORKER], release, anew=anew)
        return slot

    def _go_back(self, served: Release, slot: str | None) -> None:
        """To the release that served before; its web process still runs unless it died."""
        with self.terminal.step(f"Back to release {served.name}"):
            back = self._slot_of(served, slot)
            if back is None:
                back = slot or SLOTS[0]
                self._start(f"web-{back}", served)
                self._wait_ready(back)
            self._lead(back, served)
            for name in (CLOCK, WORKER):
                if not self._runs(name, served):
                    self._start(name, served)
            self._retire(_other(back))
            self._keep(back)

    def _finish(self, release: Release, slot: str) -> None:
        """What served before ends, once its last request has left."""
        layout = self.options.layout
        other = f"web-{_other(slot)}"
        if self.services.is_running(other):
            with self.terminal.step("The old web process answers its last requests"):
                self._retire(_other(slot))
        was = linked(layout.current)
        if was != release:
            if was is not None:
                link(layout.previous, was.home)
            link(layout.current, release.home)
        self._keep(slot)
        with self.terminal.step(f"Release {release.name} answers through the edge"):
            edge.wait_until_led(self.options, self._answer(slot).mark)

    def _keep(self, slot: str) -> None:
        """What starts with the machine from now on."""
        self.services.keep([EDGE, f"web-{slot}", WORKER, CLOCK])

    def _start_edge(self, release: Release) -> None:
        """The edge is started once and then goes on over releases: it is what must not rest."""
        edge.write_config(self.options)
        self.services.prepare(release.home)
        if self.services.is_running(EDGE):
            return
        with self.terminal.step("Edge"):
            self._start(EDGE, release)
            self._wait_settled(EDGE, lambda: True)

    def _start_web(self, slot: str, release: Release, *, anew: bool) -> None:
        name = f"web-{slot}"
        with self.terminal.step(f"Web of the new release, slot {slot}"):
            # One that was left by who was killed may be half of anything.
            if anew or not self._runs(name, release) or not self._is_ready(slot):
                self._start(name, release)
            self._wait_ready(slot)

    def _lead_to(self, slot: str, release: Release) -> None:
        with self.terminal.step(f"The edge leads to slot {slot}"):
            self._lead(slot, release)

    def _lead(self, slot: str, release: Release) -> None:
        """Every process that writes routes from now on leads there; one does at once."""
        # Should the machine be started anew before this is over, whichever slot the edge then
        # leads to is there; what is too many ends with the next action.
        self.services.keep([EDGE, *WEBS, WORKER, CLOCK])
        edge.serve(self.options, slot)
        manage(self.options, release, self.terminal, "render_edge")
        edge.wait_until_led(self.options, self._answer(slot).mark)

    def _renew(self, names: Sequence[str], release: Release, *, anew: bool) -> None:
        resting = [name for name in names if anew or not self._runs(name, release)]
        if not resting:
            return
        with self.terminal.step(f"{' and '.join(resting).capitalize()} of the new release"):
            began = time.time()
            for name in resting:
                self._start(name, release)
            for name in resting:
                self._wait_settled(name, partial(self._is_at_work, name, release, began))

    def _retire(self, slot: str) -> None:
        """End the web process of a slot that the edge does not lead to any more."""
        name = f"web-{slot}"
        if not self.services.is_running(name):
            self.services.stop(name)
            return
        time.sleep(_ARRIVED_S)
        limit = float(self.options.says("DRAIN_SECONDS") or _DRAIN_S)
        if not self._wait(lambda: self._has_nothing_open(slot), limit):
            self.terminal.warn(f"Requests to {name} were still open after {limit:g} s.")
        self.services.stop(name)

    def _has_nothing_open(self, slot: str) -> bool:
        answer = edge.ask(self.options, slot)
        return answer is None or answer.open == 0

    def _start(self, name: str, release: Release) -> None:
        """Start a service of a release, in place of whatever it runs."""
        self.services.stop(name)
        link(self.options.layout.live(name), release.home)
        self.services.start(name)

    def _runs(self, name: str, release: Release) -> bool:
        home = led_to(self.options.layout.live(name))
        return home == release.home and self.services.is_running(name)

    def _slot_of(self, release: Release, first: str | None) -> str | None:
        """A slot whose web process of this release is ready, the first one rather."""
        slots = sorted(SLOTS, key=lambda slot: slot != first)
        ready = (s for s in slots if self._runs(f"web-{s}", release) and self._is_ready(s))
        return next(ready, None)

    def _answer(self, slot: str) -> Answer:
        answer = edge.ask(self.options, slot)
        if answer is None:
            raise self._failure(f"web-{slot}", "does not answer")
        return answer

    def _is_ready(self, slot: str) -> bool:
        answer = edge.ask(self.options, slot)
        return answer is not None and answer.is_ready

    def _wait_ready(self, slot: str) -> None:
        name = f"web-{slot}"
        self._watch(name, lambda: self._is_ready(slot), self._patience_s)

    @property
    def _patience_s(self) -> float:
        return float(self.options.says("READY_SECONDS") or _READY_S)

    def _wait_settled(self, name: str, is_at_work: Callable[[], bool]) -> None:
        """Wait until it has run for a while, and works."""
        since = time.monotonic()

        def has_settled() -> bool:
            is_old = time.monotonic() - since > _SETTLED_S
            return is_old and self.services.is_running(name) and is_at_work()

        self._watch(name, has_settled, self._patience_s)

    def _is_at_work(self, name: str, release: Release, since: float) -> bool:
        """Whether it has said so since a moment (s since the epoch); only looked at, by root."""
        if not release.says_ready:
            return True
        try:
            return self.options.layout.ready(name).stat().st_mtime >= since
        except OSError:
            return False

    def _watch(self, name: str, is_good: Callable[[], bool], limit: float) -> None:
        """Wait until it is good; SetupError at once when the process dies, or after so long."""
        seen: set[int] = set()

        def is_over() -> bool:
            seen.add(self.services.pid(name))
            return len(seen - {0}) > 1 or is_good()

        if not self._wait(is_over, limit):
            raise self._failure(name, f"is not ready after {limit:g} s")
        if len(seen - {0}) > 1:
            raise self._failure(name, "ended by itself")

    def _failure(self, name: str, how: str) -> SetupError:
        words = told(self.options, self.services.last_words(name, _SHOWN))
        return SetupError(f"The service {name} {how}. {words}")

    def _wait(self, is_so: Callable[[], bool], seconds: float) -> bool:
        def ticking() -> bool:
            self.terminal.tick()
            return is_so()

        return proc.wait_until(ticking, seconds, _POLL_S)


def _other(slot: str) -> str:
    return next(one for one in SLOTS if one != slot)
