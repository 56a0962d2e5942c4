"""Asking every server whether it answers."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache

from apps.fleet.engines import probing_engine
from apps.fleet.models import Server
from apps.fleet.services import servers
from dotmac.engine import EngineInfo

EVERY_S = 10
# Longer than the engine's own patience: only a call that hangs reaches it.
DEADLINE_S = 5.0
_asked: dict[str, Future[EngineInfo]] = {}


def probe_all(deadline_s: float = DEADLINE_S) -> int:
    """Probe every server in use at once; returns how many changed their status.

    The threads only ask; what they found is written by the caller's own connection.
    """
    rows = Server.objects.exclude(status=Server.Status.RETIRED).select_related("region")
    asked = {server: _ask(server) for server in rows}
    wait(asked.values(), timeout=deadline_s)
    return sum(_note(server, future) for server, future in asked.items())


def probe(server: Server, deadline_s: float = DEADLINE_S) -> bool:
    """Probe one server now; True when its status changed."""
    future = _ask(server)
    wait([future], timeout=deadline_s)
    return _note(server, future)


def _ask(server: Server) -> Future[EngineInfo]:
    """Ask in a thread; a question that still hangs from the last time is not repeated."""
    hanging = _asked.get(server.name)
    if hanging is None or hanging.done():
        _asked[server.name] = _pool().submit(probing_engine(server).ping)
    return _asked[server.name]


def _note(server: Server, future: Future[EngineInfo]) -> bool:
    if not future.done():
        return servers.note_silence(server, "It took too long to answer.")
    error = future.exception()
    if error is not None:
        return servers.note_silence(server, str(error))
    return servers.note_answer(server, future.result().version)


@cache
def _pool() -> ThreadPoolExecutor:
    """Made when first needed: threads do not survive a fork."""
    return ThreadPoolExecutor(16, thread_name_prefix="probe")
