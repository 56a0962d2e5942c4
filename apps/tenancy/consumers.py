"""A live stream that only says that there is news to fetch."""

import asyncio
import contextlib
from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.tenancy.live import listener

_DENIED = 4404


class NewsConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Sends `{"changed": true}` at every news of one topic of the host's schema."""

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
            while True:
                await changed.wait()
                changed.clear()
                await self.send_json({"changed": True})
        finally:
            listener.leave(watched, changed)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Nothing is taken from the browser."""
