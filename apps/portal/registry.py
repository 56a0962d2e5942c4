"""What apps add to the pages of others: a higher app registers here, a page asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise

Home = Callable[[HttpRequest], dict[str, Any]]
Panel = Callable[[HttpRequest], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Page:
    """An entry of the portal's navigation: a URL's name, and where it stands."""

    url_name: str
    title: str | Promise
    icon: str
    order: int


_panels: dict[str, tuple[int, Panel]] = {}
_pages: dict[str, Page] = {}
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


def panel(name: str, *, order: int) -> Callable[[Panel], Panel]:
    """Register what an app shows a customer in the portal.

    It gives its part of the pages' context, or None for somebody whom it does not know.
    """

    def register(build: Panel) -> Panel:
        _panels[name] = (order, build)
        return build

    return register


def page(url_name: str, title: str | Promise, *, icon: str, order: int) -> None:
    """Register a page for the portal's navigation, which holds at most four."""
    _pages[url_name] = Page(url_name, title, icon, order)


def pages() -> list[Page]:
    """The portal's navigation in order."""
    return sorted(_pages.values(), key=lambda entry: entry.order)


def portal_context(request: HttpRequest) -> dict[str, Any] | None:
    """What the panels know about the person, in order; None when none of them knows anything."""
    built = [build(request) for _order, build in sorted(_panels.values(), key=lambda p: p[0])]
    known = [part for part in built if part is not None]
    if not known:
        return None
    return {name: value for part in known for name, value in part.items()}
