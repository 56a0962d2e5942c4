"""A request with an `Idempotency-Key` takes effect once, however often it is sent.

Work and answer are written in one transaction under a lock that ends with it. So a request that
crashed leaves nothing behind, neither half of its work nor a key that stays locked.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.once import repeated, secret_fields_of, to_be_kept
from apps.core.exceptions import IdempotencyBusyError, IdempotencyMismatchError
from apps.core.models import IdempotentAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
# The schema is part of the lock, since locks are the whole database's.
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || %s, 0))"


def key_of(request: Request) -> str:
    """The request's key, empty for none; only a POST has one."""
    key = request.headers.get(HEADER, "").strip() if request.method == "POST" else ""
    if len(key) > 255 or not key.isprintable():
        raise ValidationError({HEADER: [_("Send 1 to 255 printable characters, such as a UUID.")]})
    return key


def answer_once(key: str, request: Request, work: Callable[[], Response]) -> Response:
    """The kept answer, or the work's, which is kept; to be called in a transaction.

    IdempotencyBusyError while the first request runs; IdempotencyMismatchError for a key that
    came with another request. An error keeps nothing: the same key may be tried again.
    """
    principal = _principal(request)
    _lock(f"{principal}:{key}")
    IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    fingerprint = _fingerprint(request)
    kept = IdempotentAnswer.objects.filter(principal=principal, key=key).first()
    if kept is not None:
        return _replay(kept, fingerprint)
    response = work()
    if response.status_code < 400:
        IdempotentAnswer.objects.create(
            principal=principal,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            body=JSONRenderer().render(to_be_kept(response)).decode(),
            omitted=list(secret_fields_of(response)),
        )
    return response


def _replay(kept: IdempotentAnswer, fingerprint: str) -> Response:
    if kept.fingerprint != fingerprint:
        raise IdempotencyMismatchError(
            _("This idempotency key was used for another request. Take a new key.")
        )
    body = json.loads(kept.body) if kept.body else None
    return repeated(body, kept.status, kept.omitted, {REPLAYED: "true"})


def _lock(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [name])
        row = cursor.fetchone()
    if not (row and row[0]):
        raise IdempotencyBusyError(
            _("A request with this idempotency key is being answered. Ask again in a moment.")
        )


def _principal(request: Request) -> UUID:
    who: Any = request.auth or request.user
    uuid: UUID = who.uuid
    return uuid


def _fingerprint(request: Request) -> str:
    asked = f"{request.method} {request.get_full_path()}\n".encode()
    return hashlib.sha256(asked + request._request.body).hexdigest()
