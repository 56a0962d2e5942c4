"""Following what happens on the servers, so that routes never point at old addresses."""

import re
import threading
from uuid import UUID

import structlog
from django.db import Error, connection

from apps.fleet.engines import engine_of
from apps.fleet.models import Placement, Server
from apps.fleet.sightings import INSTANCE, refresh
from apps.tenancy.kinds import operator
from dotmac.engine import EngineError, EngineEvent, EventStream

log = structlog.get_logger(__name__)
SWEEP_S = 60
# One start is a handful of events: they are looked at together.
_GATHER_S = 0.05
_RETRY_S = 1.0
_NOTEWORTHY = {"container": {"start", "die"}, "network": {"connect", "disconnect"}}
_NETWORK = re.compile(r"dm-([0-9a-f]{12})-")


class Watcher:
    """Follows the events of one server and reads again what they concern.

    One thread listens, another reads and writes with a database connection of its own, so that a
    slow reading never makes events wait in the engine.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._over = threading.Event()
        self._marked = threading.Event()
        self._lock = threading.Lock()
        # Beginnings of instance ids; the empty one stands for all of them.
        self._changed: set[str] = set()
        self._stream: EventStream | None = None
        self._threads = [
            threading.Thread(target=target, name=f"{name}-{server.name}", daemon=True)
            for name, target in (("listen", self._listen), ("reread", self._reread))
        ]

    def start(self) -> None:
        """Begin to follow; all that runs there is read once at first."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop following; the threads end soon after."""
        self._over.set()
        self._marked.set()
        stream = self._stream
        if stream is not None:
            try:
                stream.close()
            except EngineError as error:
                log.info("stream_already_gone", server=self.server.name, error=error.message)

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of both threads; whether they ended."""
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    @property
    def is_alive(self) -> bool:
        """Whether both threads run."""
        return all(thread.is_alive() for thread in self._threads)

    def mark(self, instance_prefix: str = "") -> None:
        """Have an instance read again soon; all of the server without a name."""
        with self._lock:
            self._changed.add(instance_prefix)
        self._marked.set()

    def _listen(self) -> None:
        while not self._over.is_set():
            try:
                self._follow()
            except EngineError as error:
                log.info("events_lost", server=self.server.name, error=error.message)
            self._over.wait(_RETRY_S)

    def _follow(self) -> None:
        self._stream = stream = engine_of(self.server).events()
        # What happened before we listened is in no event: after a restart everything may differ.
        self.mark()
        if self._over.is_set():
            stream.close()
        for event in stream:
            concerned = instance_of(event)
            if concerned:
                self.mark(concerned)

    def _reread(self) -> None:
        try:
            while not self._over.is_set():
                self._marked.wait()
                self._over.wait(_GATHER_S)
                if not self._over.is_set():
                    self._read(self._take())
        finally:
            connection.close()

    def _take(self) -> set[str]:
        with self._lock:
            changed, self._changed = self._changed, set()
            self._marked.clear()
        return changed

    def _read(self, changed: set[str]) -> None:
        try:
            with operator():
                refresh(self.server, None if "" in changed else self._instances(changed))
        except EngineError as error:
            log.info("server_not_read", server=self.server.name, error=error.message)
        except Error as error:
            log.warning("watcher_without_database", error=str(error).strip())
            connection.close()
            self._over.wait(_RETRY_S)
            self.mark()
        except Exception:
            log.exception("watcher_failed", server=self.server.name)

    def _instances(self, prefixes: set[str]) -> set[UUID]:
        rows = Placement.objects.filter(server=self.server, status__in=Placement.OPEN)
        ids = rows.values_list("instance", flat=True)
        return {one for one in ids if one.hex.startswith(tuple(prefixes))}


def instance_of(event: EngineEvent) -> str:
    """The beginning of the id of the instance that an event concerns; empty for other events."""
    if event.action not in _NOTEWORTHY.get(event.kind, ()):
        return ""
    if event.kind == "container":
        return event.labels.get(INSTANCE, "")
    found = _NETWORK.match(event.name)
    return found[1] if found else ""


_watchers: dict[int, Watcher] = {}


def tend() -> None:
    """Have one watcher for every server that answers, and none for others."""
    servers = {server.pk: server for server in Server.objects.filter(status=Server.Status.ACTIVE)}
    for pk, watcher in list(_watchers.items()):
        url = servers[pk].engine_url if pk in servers else None
        if url != watcher.server.engine_url or not watcher.is_alive:
            _watchers.pop(pk).stop()
    for pk, server in servers.items():
        if pk not in _watchers:
            _watchers[pk] = Watcher(server)
            _watchers[pk].start()


def sweep() -> None:
    """Have everything read again, in case an event was missed."""
    for watcher in _watchers.values():
        watcher.mark()
