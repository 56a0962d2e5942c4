"""Every address of every kind with what it leads to in Acme's schemas, the API's too."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import User
from apps.tenancy.kinds import schema_of
from tests.accessibility.addresses import Marks, everything
from tests.accessibility.world import SCHEMAS
from tests.pages.test_every_address import HOSTS, Address, name_of, walk

# Rows of views that name no queryset, and by what an address tells one.
_ROWS: dict[str, tuple[Any, str]] = {"person_preferences": (User.objects, "uuid")}


def addresses_of_all(known: dict[str, str]) -> list[Address]:
    """The addresses of all kinds."""
    return [
        one
        for kind in HOSTS
        for one in (
            *(Address(kind, page.name, page.path) for page in everything(kind, known)),
            *_of_programs(kind),
        )
    ]


def with_parameters(kind: str) -> set[str]:
    """The names of addresses that say which row they are about."""
    patterns = get_resolver(f"config.urls.{kind}").url_patterns
    return {name for name, path in walk(patterns, Marks()) if "~" in path}


def _of_programs(kind: str) -> Iterator[Address]:
    patterns = get_resolver(f"config.urls.{kind}").url_patterns
    views = dict(_views(patterns))
    for name, path in walk(patterns, Marks()):
        if path.startswith("/api/v1/"):
            filled = re.sub(r"~\w+~", lambda _, name=name: _row(kind, name, views[name]), path)
            yield Address(kind, name, filled)


def _row(kind: str, name: str, view: Any) -> str:
    rows, field = _ROWS.get(name) or (
        getattr(view.cls, "queryset", None),
        getattr(view.cls, "lookup_field", "pk"),
    )
    assert rows is not None, f"tests/outsiders/addresses.py knows no rows of {name}"
    with schema_of(SCHEMAS[kind]):
        found = rows.all().order_by("pk").first()
    assert found is not None, f"tests/accessibility/world.py makes none for {name} at the {kind}"
    return str(getattr(found, field))


def _views(patterns: list[URLPattern | URLResolver], space: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [space, pattern.namespace]))
            yield from _views(pattern.url_patterns, inner)
        else:
            yield name_of(pattern, space), pattern.callback
