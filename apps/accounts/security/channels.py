"""The policy for WebSockets, which pass no middleware of Django's."""

from types import SimpleNamespace
from typing import Any, cast

from channels.db import database_sync_to_async
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor, methods_of
from apps.accounts.security.policy import is_due
from apps.tenancy.kinds import schema_of

_DENIED = 4403


class SecondFactorSockets:
    """Refuses the sockets of people who may do nothing more without a second factor."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if not await database_sync_to_async(_may_pass)(scope):
            await send({"type": "websocket.close", "code": _DENIED})
            return None
        return await self.inner(scope, receive, send)


def _may_pass(scope: dict[str, Any]) -> bool:
    user = scope["user"]
    if not isinstance(user, User):
        return True
    with schema_of(scope["schema"]):
        request = SimpleNamespace(user=user, session=scope["session"])
        return holds_second_factor(methods_of(cast(HttpRequest, request))) or not is_due(user)
