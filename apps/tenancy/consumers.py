"""A live stream that only says that there is news to fetch."""

import asyncio
import contextlib
from typing import Any

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import Error

from apps.tenancy.live import listener

log = structlog.get_logger(__name__)
# Codes of a closed socket: of our own, and RFC 6455's “try again later”.
_DENIED, _LATER = 4404, 1013
# So long somebody who lost the right may still be told that there is news, never what.
RECHECK_S = 5.0


class NewsConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Sends `{"changed": true}` at every news of one topic of the host's schema.

    Whether the person still may watch is asked again before each, and every few seconds: a socket
    must not outlive the session that opened it, nor the right.
    """

    watching: asyncio.Task[None] | None = None

    async def topic(self) -> str | None:
        """What the person may watch; None closes the socket."""
        raise NotImplementedError

    async def connect(self) -> None:
        """Accept those who may watch."""
        topic = await self.topic()
        if topic is None:
            await self.close(code=_DENIED)
            return
        await self.accept()
        self.watching = asyncio.create_task(self._forward((self.scope["schema"], topic)))

    async def disconnect(self, code: int) -> None:
        """Stop watching."""
        if self.watching:
            self.watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.watching

    async def _forward(self, watched: tuple[str, str]) -> None:
        changed = listener.watch(watched)
        try:
            await self._tell(changed, watched[1])
            code = _DENIED
        except Error:
            # The browser opens another, which is let in once the database is there again.
            log.warning("socket_not_rechecked", exc_info=True)
            code = _LATER
        finally:
            listener.leave(watched, changed)
        await self.close(code=code)

    async def _tell(self, changed: asyncio.Event, topic: str) -> None:
        """Pass news on until the person may watch no more."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), RECHECK_S)
            is_news = changed.is_set()
            changed.clear()
            if not await self._may_still(topic):
                return
            if is_news:
                await self.send_json({"changed": True})

    async def _may_still(self, topic: str) -> bool:
        """Whether who watches is signed in still, and may watch this."""
        found = await database_sync_to_async(self.scope["look_again"])()
        self.scope["session"], self.scope["user"] = found
        return await self.topic() == topic

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Nothing is taken from the browser."""
