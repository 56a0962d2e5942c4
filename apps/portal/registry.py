"""What apps add to the pages of others: a higher app registers here, a page asks."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

Home = Callable[[HttpRequest], dict[str, Any]]
_homes: dict[str, list[Home]] = {}


def on_admin_home(kind: str) -> Callable[[Home], Home]:
    """Register what an app adds to the context of a kind's admin home."""

    def register(home: Home) -> Home:
        _homes.setdefault(kind, []).append(home)
        return home

    return register


def admin_home(kind: str, request: HttpRequest) -> dict[str, Any]:
    """The context of a kind's admin home; lists of the same name are joined."""
    context: dict[str, Any] = {}
    for home in _homes.get(kind, []):
        for name, value in home(request).items():
            if isinstance(value, list):
                context[name] = context.get(name, []) + value
            else:
                context[name] = value
    return context
