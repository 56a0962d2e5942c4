"""A list of the API, against a plain view in the same server."""

import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from dev.ports import free_port
from tests.bench.isp import ROWS, large_isp
from tests.bench.result import Result, percentile, ratio, spread
from tests.live_platform import APPS, ROOT, LivePlatform, until

_TURNS = 200
_RATE, _SECONDS = 50, 20
_SLUG = "bench-api"
_HOST = f"{_SLUG}.{APPS}"
_LIST, _FLOOR = "/api/v1/subscribers/?limit=20", "/floor/subscribers/"


class Caller:
    """A program with one connection that it keeps."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Host": _HOST, "X-Forwarded-Proto": "https"}
        self.headers["Authorization"] = f"Bearer {key}"

    def get(self, path: str) -> float:
        """Seconds until the answer is there in full; it must be twenty rows."""
        start = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - start
        assert answer.status == 200, body
        assert len(json.loads(body)["results"]) == 20
        return seconds


def measure(platform: LivePlatform) -> list[Result]:
    """One request after the other in turns, then many at a steady rate."""
    key = large_isp(platform, _SLUG).key
    with _server(platform) as port:
        caller = Caller(port, key)
        for path in (_LIST, _FLOOR) * 20:
            caller.get(path)
        ours, floor = [], []
        for _turn in range(_TURNS):
            ours.append(caller.get(_LIST))
            floor.append(caller.get(_FLOOR))
        steady = _steadily(port, key)
    slow = percentile(steady, 0.95) * 1000
    what = f"the same at {_RATE} requests/s for {_SECONDS} s"
    return [
        ratio(f"API list of 20 of {ROWS:,} rows, against a plain view", ours, floor, 2),
        Result(
            what, spread(steady, unit="ms"), "", f"p95 {slow:.3g} ms", "p95 ≤ 50 ms", slow <= 50
        ),
    ]


@contextmanager
def _server(platform: LivePlatform) -> Iterator[int]:
    """One more web process of the platform, which serves the floor as well."""
    port = free_port()
    command = [*platform.command_of("web")]
    command[command.index("-p") + 1] = str(port)
    settings = {"DJANGO_SETTINGS_MODULE": "tests.bench.floor_settings"}
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**platform.environment, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _answers(port), what="The server of the floor")
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", _FLOOR, headers={"Host": _HOST, "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _steadily(port: int, key: str) -> list[float]:
    """Requests that begin on time, whether or not those before have ended."""
    callers = [Caller(port, key) for _n in range(8)]

    def run(number: int) -> list[float]:
        caller, taken = callers[number], []
        for turn in range(number, _RATE * _SECONDS, len(callers)):
            due = began + turn / _RATE
            time.sleep(max(0, due - time.perf_counter()))
            # What it waited for a caller to be free counts: it would have been asked by then.
            late = max(0, time.perf_counter() - due)
            taken.append(late + caller.get(_LIST))
        return taken

    began = time.perf_counter() + 0.1
    with ThreadPoolExecutor(len(callers)) as pool:
        return [seconds for some in pool.map(run, range(len(callers))) for seconds in some]
