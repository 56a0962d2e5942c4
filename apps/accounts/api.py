"""Programs sign in by key."""

import hmac
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from apps.accounts.api_keys import KEY_MARK, key_digest
from apps.accounts.models import ApiKey
from apps.accounts.programs import Program, program_of
from apps.core.api.limits import unknown_so_far
from apps.core.outages import by_the_way
from apps.events.origins import current_ip

# Finer, and of a thousand keys that ask once in a minute each every request would write. From
# another address sooner: somebody may look for who else has the key.
_NOTED_EVERY, _NOTED_ELSEWHERE = timedelta(minutes=10), timedelta(minutes=1)
_REFUSED = (
    "This API key is not valid: it is mistyped, revoked, expired, or of another organisation."
)


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer dm_<prefix>_<secret>`; the request is of its service account."""

    def authenticate(self, request: Request) -> tuple[Program, ApiKey] | None:
        """The program and the key; None without a header.

        401 for a key that is no good, 429 after too many of those.
        """
        scheme, _space, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = _key_of(text.strip())
        _bound_guesses(request, key)
        if key is None:
            raise AuthenticationFailed(_REFUSED, code="invalid_key")
        _note_use(key)
        return program_of(key), key

    def authenticate_header(self, request: Request) -> str:
        """What a request without a key is told."""
        return 'Bearer realm="api"'


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes the key."""

    target_class = "apps.accounts.api.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """HTTP bearer."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": f"{KEY_MARK}_<prefix>_<secret>"}


def _key_of(text: str) -> ApiKey | None:
    mark, _under, rest = text.partition("_")
    prefix, _under, secret = rest.partition("_")
    key = None
    if mark == KEY_MARK and "\x00" not in prefix:
        # At most one, so it needs no order.
        key = next(iter(_usable().filter(prefix=prefix)), None)
    # Compared also when there is no such key, so that both take the same time.
    is_right = hmac.compare_digest(key_digest(secret), key.digest if key else "0" * 64)
    return key if is_right else None


def _bound_guesses(request: Request, key: ApiKey | None) -> None:
    """Where too many were wrong, a right one is told apart only if it was used from there before.

    Else who guesses could go on until one is right; and programs beside them would stand still.
    """
    if key and key.last_used_ip and key.last_used_ip == current_ip():
        return
    found = unknown_so_far(request._request)
    if found.is_over:
        raise Throttled(wait=found.reset_s)


def _usable() -> QuerySet[ApiKey]:
    keys = ApiKey.objects.select_related("account__own_role")
    alive = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return keys.filter(alive, revoked_at=None, account__is_active=True)


def _note_use(key: ApiKey) -> None:
    """When, and from where: at most every ten minutes, so that reading seldom writes."""
    now, address = timezone.now(), current_ip()
    known = now - (_NOTED_EVERY if key.last_used_ip == address else _NOTED_ELSEWHERE)
    if key.last_used_at is not None and key.last_used_at >= known:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=known)
    with by_the_way():
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now, last_used_ip=address)
