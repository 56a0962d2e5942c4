"""The API's list by other web servers and through a pooler, against daphne as it is (ADR 032)."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from config.http import THREADS
from tests.bench.api import LIST, Caller, Server, server
from tests.bench.crowd import further_workspaces
from tests.bench.isp import large_isp
from tests.bench.memory import pss, with_children
from tests.bench.result import Result, median, percentile
from tests.live_platform import APPS, LivePlatform
from tests.pgbouncer import bouncer

_SLUG = "bench-servers"
_ROWS, _TENANTS = 200, 12
_CALLERS, _SECONDS, _ROUNDS = 4, 4.0, 6
_DAPHNE = "daphne"
# Another server is worth its change from so much more on (ADR 032); a pooler may cost so little.
_WORTH, _CHEAP = 1.5, 0.9


@dataclass
class Seen:
    """One way to be served: its process and helpers, and what came of each round."""

    served: Server
    helpers: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def memory(self) -> float:
        """MiB of all of it."""
        return pss(with_children([self.served.pid, *self.helpers]))

    def words(self) -> str:
        """Of all rounds."""
        slow = percentile(self.seconds, 0.95) * 1000
        low, high = min(self.rates), max(self.rates)
        rate = f"{median(self.rates):.0f}/s ({low:.0f} to {high:.0f})"
        return f"{rate}, p95 {slow:.1f} ms, {self.memory:.0f} MB"


def measure(platform: LivePlatform) -> list[Result]:
    """All run beside each other and are asked in turns, as fast as a few callers can."""
    key = large_isp(platform, _SLUG, rows=_ROWS).key
    hosts = [f"{_SLUG}.{APPS}", *further_workspaces(_SLUG, _TENANTS - 1)]
    with ExitStack() as stack:
        ways = _ways(platform, hosts[0], stack)
        for turn in range(_ROUNDS + 1):
            for seen in ways.values():
                taken = _busy(seen.served.port, key, hosts)
                # The first warms up.
                if turn:
                    seen.rates.append(len(taken) / _SECONDS)
                    seen.seconds += taken
        return [
            _result(name, seen, ways[_DAPHNE]) for name, seen in ways.items() if name != _DAPHNE
        ]


def _ways(platform: LivePlatform, host: str, stack: ExitStack) -> dict[str, Seen]:
    pooler = stack.enter_context(bouncer(platform.environment["DATABASE_URL"]))

    def started(command: Callable[[int], list[str]] | None = None, **environment: str) -> Server:
        return stack.enter_context(server(platform, host, command, **environment))

    return {
        _DAPHNE: Seen(started()),
        "granian, ASGI": Seen(started(_granian("asginl", "config.server"))),
        f"granian, WSGI in {THREADS} threads": Seen(
            started(_granian("wsgi", "tests.bench.wsgi_server", threads=THREADS))
        ),
        "daphne through PgBouncer": Seen(started(DATABASE_URL=pooler.url), [pooler.pid]),
    }


def _granian(interface: str, module: str, threads: int = 1) -> Callable[[int], list[str]]:
    """Its command for a port: one worker, as daphne is one process."""
    program = str(Path(sys.executable).parent / "granian")
    command = [program, "--no-log", "--interface", interface, "--blocking-threads", str(threads)]
    return lambda port: [*command, "--port", str(port), f"{module}:application"]


def _busy(port: int, key: str, hosts: list[str]) -> list[float]:
    """Seconds of each request of callers that ask again as soon as they have their answer."""
    end = time.perf_counter() + _SECONDS

    def run(number: int) -> list[float]:
        caller, chosen, taken = Caller(port, key), Random(number), []
        while time.perf_counter() < end:
            taken.append(caller.get(LIST, chosen.choice(hosts)))
        caller.connection.close()
        return taken

    with ThreadPoolExecutor(_CALLERS) as pool:
        return [seconds for some in pool.map(run, range(_CALLERS)) for seconds in some]


def _result(name: str, seen: Seen, floor: Seen) -> Result:
    figure = median([one / other for one, other in zip(seen.rates, floor.rates, strict=True)])
    is_pooler = bool(seen.helpers)
    return Result(
        f"API of {_TENANTS} tenants by {_CALLERS} busy callers: {name}, against daphne",
        seen.words(),
        floor.words(),
        f"{figure:.2f} × of the requests",
        f"≥ {_CHEAP} ×" if is_pooler else f"≤ {_WORTH} ×, else looked at again",
        figure >= _CHEAP if is_pooler else figure <= _WORTH,
    )
