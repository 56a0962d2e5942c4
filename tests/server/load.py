"""People and programs that go on using the platform while it changes."""

import http.client
import itertools
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.live_platform import APPS, BASE

_PAUSE_S = 0.15
_TIMEOUT_S = 60
# A console's own page of sign-in leads on to the operator's.
_WANTED = {"front": 200, "sign-in": 302, "list": 200, "write": 201}
_LIST = "/api/v1/subscribers/?limit=20"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Site:
    """Where the load goes: the edge's port, who is trusted, an ISP, a program's key, a machine."""

    port: int
    authority: Path
    slug: str
    key: str = field(repr=False)
    address: str = "127.0.0.1"


@dataclass
class Seen:
    """What came back: seconds of each answer, what failed, and the numbers that were written."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)


class _Caller(threading.Thread):
    """One browser or program, with a connection that it keeps."""

    def __init__(self, site: Site, what: str, seen: Seen, over: threading.Event) -> None:
        super().__init__(name=what, daemon=True)
        self.site, self.what, self.seen, self.over = site, what, seen, over
        context = ssl.create_default_context(cafile=str(site.authority))
        self.host = {
            "front": BASE,
            "sign-in": f"{site.slug}.{BASE}",
        }.get(what, f"{site.slug}.{APPS}")
        self.connection = Connection(site, self.host, context)

    def run(self) -> None:
        """Ask, look, and ask again until it is over."""
        while not self.over.is_set():
            began = time.perf_counter()
            try:
                self._ask()
            except (OSError, http.client.HTTPException) as error:
                self.seen.failed.append(f"{self.what}: {error!r}")
                self.connection.close()
            self.seen.seconds.append(time.perf_counter() - began)
            self.over.wait(_PAUSE_S)
        self.connection.close()

    def _ask(self) -> None:
        if self.what == "write":
            return self._write()
        path = {"front": "/", "sign-in": "/accounts/login/", "list": _LIST}[self.what]
        status, body = self._send("GET", path)
        if status != _WANTED[self.what]:
            self.seen.failed.append(f"{self.what}: {status} {body[:200]!r}")
        self.seen.kinds.add(self.what)
        return None

    def _write(self) -> None:
        number = f"load-{next(_numbers)}"
        said = json.dumps({"name": "Dora Diaz", "external_id": number})
        status, body = self._send("POST", "/api/v1/subscribers/", said)
        if status == _WANTED["write"]:
            self.seen.written.append(number)
        else:
            self.seen.failed.append(f"write: {status} {body[:200]!r}")
        self.seen.kinds.add(self.what)

    def _send(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        headers = {"Host": f"{self.host}:{self.site.port}"}
        if self.what in ("list", "write"):
            headers["Authorization"] = f"Bearer {self.site.key}"
        if body:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()


class Connection(http.client.HTTPSConnection):
    """To the edge of one machine, whatever the name resolves to."""

    def __init__(self, site: Site, host: str, context: ssl.SSLContext) -> None:
        super().__init__(host, site.port, timeout=_TIMEOUT_S, context=context)
        edge = (site.address, site.port)
        self._create_connection = lambda *args, **kwargs: socket.create_connection(edge, _TIMEOUT_S)


@contextmanager
def load(site: Site) -> Iterator[Seen]:
    """Four kinds of requests until the block ends; each kind was answered before it begins."""
    seen, over = Seen(), threading.Event()
    callers = [_Caller(site, what, seen, over) for what in ("front", "sign-in", "list", "write")]
    for caller in callers:
        caller.start()
    try:
        while len(seen.kinds) < len(callers) and not seen.failed:
            time.sleep(0.05)
        yield seen
    finally:
        over.set()
        for caller in callers:
            caller.join(_TIMEOUT_S)
