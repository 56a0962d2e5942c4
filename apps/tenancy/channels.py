"""WebSockets: from the host to the schema, then to the user in that schema.

Consumers run no middleware of Django's, so both are done here.
"""

from collections.abc import Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from channels.db import database_sync_to_async
from channels.sessions import CookieMiddleware
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import Error
from django.http import HttpRequest

from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenancy.middleware import tenant_of_host
from apps.tenancy.models import Tenant
from apps.tenancy.sessions import session_key_of

log = structlog.get_logger(__name__)
# RFC 6455's “try again later”.
TRY_LATER = 1013


def _host(scope: dict[str, Any]) -> str:
    headers = dict(scope["headers"])
    return str(headers.get(b"host", b"").decode("latin1").split(":")[0].lower().rstrip("."))


def _origin_host(scope: dict[str, Any]) -> str | None:
    """The host of the page that opens the socket; None when there is none, or a senseless one."""
    origin = dict(scope["headers"]).get(b"origin", b"").decode("latin1")
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None


class SameHostOrigin:
    """Refuses a socket that another host's page opens.

    Channels' own check asks ALLOWED_HOSTS, which here lets every tenant's host in.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        if _origin_host(scope) != _host(scope):
            await send({"type": "websocket.close", "code": 4403})
            return None
        return await self.inner(scope, receive, send)


class _TenantSession:
    """Puts schema, session and user into the scope; closes the socket of nobody's host."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        try:
            tenant = await database_sync_to_async(self._tenant)(_host(scope))
            if tenant is None or tenant.is_left_behind:
                code = TRY_LATER if tenant else 4404
                await send({"type": "websocket.close", "code": code})
                return None
            schema = tenant.schema_name
            look = partial(_who, schema, scope["cookies"])
            session, user = await database_sync_to_async(look)()
        except Error:
            # The page opens another in a while, which is let in once the database is there again.
            log.warning("socket_without_database", exc_info=True)
            await send({"type": "websocket.close", "code": TRY_LATER})
            return None
        known = {"schema": schema, "session": session, "user": user, "look_again": look}
        return await self.inner({**scope, **known}, receive, send)

    @staticmethod
    def _tenant(host: str) -> Tenant | None:
        with schema_of(PUBLIC):
            tenant = tenant_of_host(host)
        return tenant if tenant and tenant.is_local and not tenant.is_shut else None


def _who(schema: str, cookies: Mapping[str, str]) -> tuple[SessionStore, Any]:
    """The session as it is now, and who is in it: also asked while a socket is open."""
    with schema_of(schema):
        session = SessionStore(session_key_of(cookies))
        if not session.session_key:
            return session, AnonymousUser()
        return session, get_user(cast(HttpRequest, SimpleNamespace(session=session)))


def TenantMiddlewareStack(inner: Any) -> Any:
    """Cookies, then schema and user."""
    return CookieMiddleware(_TenantSession(inner))
