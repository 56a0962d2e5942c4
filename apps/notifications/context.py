"""The bell in the head of pages."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import User
from apps.notifications.services import unread_of


def bell(request: HttpRequest) -> dict[str, Any]:
    """Asked for only by pages that have a bell, and then once."""
    return {"bell": SimpleLazyObject(lambda: bell_of(request))}


def bell_of(request: HttpRequest) -> dict[str, Any]:
    """How many notifications wait; nothing for nobody."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) and not getattr(user, "is_authenticated", False):
        return {}
    return {"unread": unread_of(user), "is_shown": True}  # type: ignore[arg-type]
