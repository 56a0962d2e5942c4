"""A list of the API, against a plain view in the same server."""

import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from dev.ports import free_port
from tests.bench.isp import ROWS, large_isp
from tests.bench.result import Result, percentile, ratio, spread
from tests.live_platform import APPS, ROOT, LivePlatform, until

_TURNS = 200
RATE, _SECONDS = 50, 20
_SLUG = "bench-api"
_HOST = f"{_SLUG}.{APPS}"
LIST, _FLOOR = "/api/v1/subscribers/?limit=20", "/floor/subscribers/"


class Caller:
    """A program with one connection that it keeps."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"X-Forwarded-Proto": "https", "Authorization": f"Bearer {key}"}

    def get(self, path: str, host: str) -> float:
        """Seconds until the answer is there in full; it must be twenty rows."""
        start = time.perf_counter()
        self.connection.request("GET", path, headers={**self.headers, "Host": host})
        answer = self.connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - start
        assert answer.status == 200, body
        assert len(json.loads(body)["results"]) == 20
        return seconds


def measure(platform: LivePlatform) -> list[Result]:
    """One request after the other in turns, then many at a steady rate."""
    key = large_isp(platform, _SLUG).key
    with server(platform, _HOST) as served:
        port = served.port
        caller = Caller(port, key)
        for path in (LIST, _FLOOR) * 20:
            caller.get(path, _HOST)
        ours, floor = [], []
        for _turn in range(_TURNS):
            ours.append(caller.get(LIST, _HOST))
            floor.append(caller.get(_FLOOR, _HOST))
        steady = steadily(port, key, lambda: _HOST, RATE * _SECONDS)
    slow = percentile(steady, 0.95) * 1000
    what = f"the same at {RATE} requests/s for {_SECONDS} s"
    return [
        ratio(f"API list of 20 of {ROWS:,} rows, against a plain view", ours, floor, 2),
        Result(
            what, spread(steady, unit="ms"), "", f"p95 {slow:.3g} ms", "p95 ≤ 50 ms", slow <= 50
        ),
    ]


@dataclass(frozen=True)
class Server:
    """A web process: where it listens, and which one it is."""

    port: int
    pid: int


@contextmanager
def server(
    platform: LivePlatform,
    host: str,
    command_of: Callable[[int], list[str]] | None = None,
    **environment: str,
) -> Iterator[Server]:
    """One more web process of the platform, with the floor, and without a limit on keys.

    Another one than the platform's own by its command for a port; with further settings.
    """
    port = free_port()
    settings = {"DJANGO_SETTINGS_MODULE": "tests.bench.floor_settings", **environment}
    process = subprocess.Popen(
        command_of(port) if command_of else _usual(platform, port),
        cwd=ROOT,
        env={**platform.environment, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(port, host), what="The server of the floor")
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _usual(platform: LivePlatform, port: int) -> list[str]:
    command = [*platform.command_of("web")]
    command[command.index("-p") + 1] = str(port)
    return command


def _answers(port: int, host: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", _FLOOR, headers={"Host": host, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def steadily(
    port: int, key: str, host_of: Callable[[], str], count: int, *, rate: int = RATE
) -> list[float]:
    """Requests that begin on time, each at the host that is next, whatever became of the last."""
    callers = [Caller(port, key) for _n in range(8)]

    def run(number: int) -> list[float]:
        caller, taken = callers[number], []
        for turn in range(number, count, len(callers)):
            due = began + turn / rate
            time.sleep(max(0, due - time.perf_counter()))
            # What it waited for a caller to be free counts: it would have been asked by then.
            late = max(0, time.perf_counter() - due)
            taken.append(late + caller.get(LIST, host_of()))
        return taken

    began = time.perf_counter() + 0.1
    with ThreadPoolExecutor(len(callers)) as pool:
        return [seconds for some in pool.map(run, range(len(callers))) for seconds in some]
