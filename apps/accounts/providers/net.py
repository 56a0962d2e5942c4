"""Requests to addresses that an owner of one ISP entered, from machines that serve all."""

import math
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from apps.tenancy.kinds import current_schema
from dotmac.net import OutOfReachError, Reach, connect

# For all that is asked of a provider at once, and for so much of each answer.
DEADLINE_S = 10.0
LONGEST = 1_000_000
# So many threads of a web process wait for the providers of one schema; it has a dozen for all.
AT_ONCE = 4
_ends_at: ContextVar[float] = ContextVar("exchange_ends_at", default=math.inf)
_waiting: Counter[str] = Counter()
_counting = threading.Lock()


class TooLongError(requests.RequestException):
    """The answer is longer than what is read of one."""


@contextmanager
def exchange() -> Iterator[None]:
    """All that is asked inside shares one deadline; requests.ConnectionError where many wait."""
    schema = current_schema()
    with _counting:
        if _waiting[schema] >= AT_ONCE:
            raise requests.ConnectionError("Too many wait for their identity provider.")
        _waiting[schema] += 1
    token = _ends_at.set(time.monotonic() + DEADLINE_S)
    try:
        yield
    finally:
        _ends_at.reset(token)
        with _counting:
            _waiting[schema] -= 1


class _Lines:
    """The connections of one session, to be cut by another thread than waits for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._is_cut = False

    def watch(self, line: socket.socket) -> None:
        """Have it cut with the others; OSError when it comes too late for that."""
        with self._lock:
            if self._is_cut:
                line.close()
                raise TimeoutError("It connected too late.")
            # Another handle of the same line: TLS takes the first one away.
            self._open.append(socket.socket(fileno=os.dup(line.fileno())))

    def cut(self) -> None:
        """End all lines, and those that come after."""
        with self._lock:
            self._is_cut = True
            for line in self._open:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
        self.let_go()

    def let_go(self) -> None:
        """Watch no longer what is open, which lives on by the handle of its connection."""
        with self._lock:
            for line in self._open:
                line.close()
            self._open.clear()


class _Guarded(HTTPConnection):
    """Connects to the very address that was found to be public."""

    def __init__(self, *args: Any, lines: _Lines, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines = lines

    def _new_conn(self) -> socket.socket:
        reach = Reach(everything=settings.DEVELOPMENT)
        try:
            line = connect(self.host, self.port or 443, reach, timeout_s=DEADLINE_S)
            self._lines.watch(line)
        except OutOfReachError as error:
            raise NewConnectionError(self, str(error)) from error
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} does not answer.") from error
        return line


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    def __init__(self, *args: Any, lines: _Lines, **kwargs: Any) -> None:
        self.ConnectionCls = partial(_Guarded, lines=lines)  # type: ignore[assignment]
        super().__init__(*args, **kwargs)


class _TlsPool(HTTPSConnectionPool):
    def __init__(self, *args: Any, lines: _Lines, **kwargs: Any) -> None:
        self.ConnectionCls = partial(_GuardedTls, lines=lines)  # type: ignore[assignment]
        super().__init__(*args, **kwargs)


class _Adapter(HTTPAdapter):
    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, lines=self._lines),
            "https": partial(_TlsPool, lines=self._lines),
        }


class GuardedSession(requests.Session):
    """Reaches public hosts over https, follows nobody elsewhere, and waits for no one for long.

    Otherwise an issuer such as http://10.0.0.1/ would show its reader what our network holds, and
    one that answers a letter a second would hold a thread that serves all. Development reaches
    everything.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines = _Lines()
        # What is packed may be a thousand times as long as it came; a line that is used again is
        # watched no longer.
        self.headers.update({"Accept-Encoding": "identity", "Connection": "close"})
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._lines))
        if not settings.DEVELOPMENT:
            # A proxy of the environment would resolve names by itself.
            self.trust_env = False

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: who redirects is found by `send`, before its answer is read."""
        return None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As usual, within the deadline from the look-up of the host to the answer's last letter.

        requests.ConnectionError for what is not public, TooManyRedirects, Timeout, TooLongError.
        With `stream` the answer's body is not read, and not to be read.
        """
        if not settings.DEVELOPMENT and not str(request.url).startswith("https://"):
            raise requests.ConnectionError(f"{request.url} is not reached over https.")
        left = min(DEADLINE_S, _ends_at.get() - time.monotonic())
        if left <= 0:
            raise requests.Timeout(f"{request.url} is not asked any more: the time is over.")
        came: Future[requests.Response] = Future()
        # The library's timeout begins anew with each letter, and a resolver knows none.
        threading.Thread(target=self._ask, args=(came, request, kwargs), daemon=True).start()
        try:
            return came.result(left)
        except TimeoutError:
            self._lines.cut()
            raise requests.Timeout(f"{request.url} did not answer in time.") from None

    def _ask(
        self, came: Future[requests.Response], request: requests.PreparedRequest, how: Any
    ) -> None:
        try:
            came.set_result(self._answer(request, **how))
        except HTTPError as error:
            came.set_exception(requests.ConnectionError(str(error)))
        except Exception as error:
            came.set_exception(error)
        finally:
            self._lines.let_go()

    def _answer(
        self, request: requests.PreparedRequest, *, stream: bool = False, **kwargs: Any
    ) -> requests.Response:
        kwargs["timeout"] = DEADLINE_S
        answer = super().send(request, stream=True, **kwargs)
        if answer.is_redirect and kwargs.get("allow_redirects", True):
            answer.close()
            raise requests.TooManyRedirects(f"{request.url} leads elsewhere.")
        if stream:
            return answer
        body = answer.raw.read(LONGEST + 1, decode_content=False)
        answer.close()
        if len(body) > LONGEST or answer.headers.get("Content-Encoding", "identity") != "identity":
            raise TooLongError(f"{request.url} answers more than is read, or packs it.")
        # What reading it would have left there.
        vars(answer).update(_content=body, _content_consumed=True)
        return answer
