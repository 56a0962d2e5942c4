"""The engines of the servers, and what keeps a dead one from holding everybody up."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any, cast

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from apps.fleet.exceptions import ServerUnavailableError
from apps.fleet.models import Server
from apps.operations.exceptions import HoldError
from apps.operations.pipelines import Run
from apps.work.words import words
from dotmac.engine import Engine, EngineError, ErrorCode
from dotmac.engine import fence as engine_fence
from dotmac.engine.fake import FakeEngine

# How long calls fail at once after one that the engine did not answer.
OPEN_S = 5.0
# A server that comes back hastens what waits for it, so this is only the longest wait.
HOLD_S = 30.0
# A host that needs longer for a plain question is as good as away.
PING_S = 3.0
_DRIVER = "dotmac.engine.docker.DockerEngine"


class Breaker:
    """Lets calls to one engine fail at once for a while after one was not answered.

    Then a single call is let through, which closes it or opens it again.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._open_until = 0.0

    def call(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call it, or raise EngineError at once."""
        self._enter()
        try:
            answer = method(*args, **kwargs)
        except EngineError as error:
            self._open_until = self._next_try() if error.code == ErrorCode.UNREACHABLE else 0.0
            raise
        self._open_until = 0.0
        return answer

    def _enter(self) -> None:
        with self._lock:
            if self._clock() < self._open_until:
                raise EngineError(
                    f"Server {self._name} does not answer; it is asked again in a few seconds.",
                    permanent=False,
                    code=ErrorCode.UNREACHABLE,
                )
            if self._open_until:
                # This call is the one that tries; the others go on failing meanwhile.
                self._open_until = self._next_try()

    def _next_try(self) -> float:
        return self._clock() + OPEN_S


class _WithBreaker:
    """An engine whose every method goes through its breaker."""

    def __init__(self, engine: Engine, breaker: Breaker) -> None:
        self._engine = engine
        self._breaker = breaker

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._engine, name)
        if not callable(method):
            return method

        @wraps(method)
        def through(*args: Any, **kwargs: Any) -> Any:
            return self._breaker.call(method, *args, **kwargs)

        return through


class _Fenced:
    """An engine that is asked for nothing more once the lease is over."""

    def __init__(self, engine: Engine, run: Run) -> None:
        self._engine = engine
        self._run = run

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._engine, name)

        def fenced(*args: Any, **kwargs: Any) -> Any:
            with engine_fence.fenced(self._run.assert_held):
                engine_fence.check()
                return method(*args, **kwargs)

        return fenced


def fenced(engine: Engine, run: Run) -> Engine:
    """The engine, as long as the run is held."""
    return cast(Engine, _Fenced(engine, run))


def engine_of(server: Server) -> Engine:
    """The engine of a server, one in a process, with a breaker."""
    return _guarded(server.name, server.engine_url)


def probing_engine(server: Server) -> Engine:
    """The same engine for a plain question: short patience and no breaker."""
    return local_engine(server.engine_url, name=server.name, timeout_s=PING_S)


def local_engine(url: str, *, name: str = "local", timeout_s: float = 60) -> Engine:
    """The engine at an address; where ENGINE_KIND is "fake", the fake one of that name."""
    if getattr(settings, "ENGINE_KIND", "docker") == "fake":
        return fake_engine(name)
    return _docker(url, timeout_s)


@cache
def fake_engine(name: str) -> FakeEngine:
    """The one fake engine of a server's name in this process."""
    return FakeEngine()


def forget() -> None:
    """Start anew with engines and breakers, as a test does."""
    for made in (_guarded, fake_engine, _docker):
        made.cache_clear()


def guard(server: Server) -> None:
    """Raise HoldError, with a reason that people see, while a server is known not to answer."""
    row = Server.objects.filter(pk=server.pk, status=Server.Status.UNREACHABLE).first()
    if row is not None:
        since = timezone.localtime(row.failing_since or row.last_probe_at)
        text = gettext_noop(
            "Server {server} does not answer since {since}. This waits until it does."
        )
        reason = words(text, server=server, since=f"{since:%H:%M %Z}")
        raise HoldError(reason, seconds=HOLD_S)


@contextmanager
def holding(server: Server | None = None) -> Iterator[None]:
    """Let an operation wait, rather than fail, while servers do not answer.

    Put it around the calls of a step: it costs the step no attempt.
    """
    if server is not None:
        guard(server)
    try:
        yield
    except ServerUnavailableError as error:
        raise HoldError(error.reason, seconds=HOLD_S) from error
    except EngineError as error:
        if error.code != ErrorCode.UNREACHABLE or server is None:
            raise
        text = gettext_noop("Server {server} does not answer now. This waits until it does.")
        raise HoldError(words(text, server=server), seconds=OPEN_S) from error


def away_prefix(server: Server) -> str:
    """How every reason to wait for a server begins in English: by it those who wait are found."""
    return f"Server {server} does not answer"


@cache
def _guarded(name: str, url: str) -> Engine:
    return cast(Engine, _WithBreaker(local_engine(url, name=name), Breaker(name)))


@cache
def _docker(url: str, timeout_s: float) -> Engine:
    # By name: the Docker SDK costs memory that a process without an engine shall not pay.
    return cast(Engine, import_string(_DRIVER)(url, timeout_s=timeout_s))
