"""Who watches what in this web process, told by PostgreSQL's NOTIFY (ADR 002).

What is watched is a schema and a topic, such as the uuid of an operation.
"""

import asyncio
import json
from collections import defaultdict

import psycopg
import structlog
from django.db import connection, transaction
from psycopg import sql

from apps.tenancy.kinds import current_schema

log = structlog.get_logger(__name__)
Watched = tuple[str, str]
# Listened to by the web processes, which look the change up under their own access check.
CHANNEL = "dotmac_news"
_RETRY_S = 1.0
_CONNECT_S = 5
_ADDRESS = ("host", "port", "user", "password", "dbname")


def announce(topic: str) -> None:
    """Tell the web processes on commit that a topic of the current schema has news.

    Carries names only, and nobody waits for it.
    """
    note = json.dumps({"schema": current_schema(), "topic": topic})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, note])


class Listener:
    """One connection a process that listens, started by the first who watches.

    After a lost connection everybody is told to look again, since a note may have been missed.
    """

    def __init__(self) -> None:
        self._watchers: dict[Watched, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None
        self._is_listening = False

    def watch(self, watched: Watched) -> asyncio.Event:
        """An event that is set at every news of the topic, and once when listening began.

        What changed between the page and its socket would be missed otherwise.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._listen())
        changed = asyncio.Event()
        self._watchers[watched].add(changed)
        if self._is_listening:
            changed.set()
        return changed

    def leave(self, watched: Watched, changed: asyncio.Event) -> None:
        """Watch no more."""
        self._watchers[watched].discard(changed)
        if not self._watchers[watched]:
            del self._watchers[watched]

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except psycopg.Error as error:
                log.warning("listener_lost_database", error=str(error).strip())
            finally:
                self._is_listening = False
            await asyncio.sleep(_RETRY_S)

    async def _listen_once(self) -> None:
        params = connection.get_connection_params()
        wanted = {
            k: params[k] for k in ("host", "port", "user", "password", "dbname") if params.get(k)
        }
        connecting = psycopg.AsyncConnection.connect(
            **wanted, autocommit=True, connect_timeout=_CONNECT_S
        )
        async with await connecting as listening:
            await listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            self._is_listening = True
            self._tell_all()
            async for note in listening.notifies():
                self._tell(json.loads(note.payload))

    def _tell(self, note: dict[str, str]) -> None:
        for changed in self._watchers.get((note["schema"], note["topic"]), ()):
            changed.set()

    def _tell_all(self) -> None:
        for watchers in self._watchers.values():
            for changed in watchers:
                changed.set()


listener = Listener()
