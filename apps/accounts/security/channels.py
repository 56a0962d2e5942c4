"""The policy for WebSockets, which pass no middleware of Django's."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor, methods_of
from apps.accounts.security.policy import is_due
from apps.accounts.visits.services import SESSION_KEY, visitor_in
from apps.tenancy.kinds import schema_of

_DENIED = 4403
Look = Callable[[], tuple[Any, Any]]


class SecondFactorSockets:
    """Refuses the sockets of people who may do nothing more without a second factor.

    A support visit is found here too.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        who = partial(_who, scope["schema"], scope["look_again"])
        session, user = await database_sync_to_async(who)()
        if user is None:
            await send({"type": "websocket.close", "code": _DENIED})
            return None
        known = {"session": session, "user": user, "look_again": who}
        return await self.inner({**scope, **known}, receive, send)


def _who(schema: str, look: Look) -> tuple[Any, Any]:
    """Who is there now, or visits; None for whom the policy keeps out."""
    session, user = look()
    with schema_of(schema):
        if SESSION_KEY in session:
            user = visitor_in(session) or AnonymousUser()
    return session, user if _may_pass(schema, session, user) else None


def _may_pass(schema: str, session: Any, user: Any) -> bool:
    if not isinstance(user, User):
        return True
    with schema_of(schema):
        request = cast(HttpRequest, SimpleNamespace(user=user, session=session))
        return holds_second_factor(methods_of(request)) or not is_due(user)
