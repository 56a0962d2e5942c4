"""The live stream of an operation: it only says that there is news to fetch."""

import asyncio
import contextlib
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.core.exceptions import NotFoundError
from apps.operations.access import operation_for
from apps.operations.live import listener
from apps.tenancy.kinds import schema_of

_DENIED = 4404


class OperationConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Sends `{"changed": true}` at every change of one operation."""

    watching: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept staff of the operation's own schema only."""
        schema = self.scope["schema"]
        operation_id = str(self.scope["url_route"]["kwargs"]["operation_id"])
        if not await self._may_see(schema, operation_id):
            await self.close(code=_DENIED)
            return
        await self.accept()
        self.watching = asyncio.create_task(self._forward((schema, operation_id)))

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

    @database_sync_to_async  # type: ignore[misc]
    def _may_see(self, schema: str, operation_id: str) -> bool:
        with schema_of(schema):
            try:
                operation_for(self.scope["user"], operation_id)
            except NotFoundError:
                return False
        return True

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Nothing is taken from the browser."""
