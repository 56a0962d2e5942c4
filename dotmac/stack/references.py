"""`${NAME}` in a service's environment; `$$` stands for one dollar sign."""

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[^{}]*)\})")


def references(text: str) -> list[str]:
    """Return the names referred to, in order."""
    return [found["name"] for found in _TOKEN.finditer(text) if found["dollar"] is None]


def is_unclosed(text: str) -> bool:
    """Say whether a `${` has no closing brace."""
    return "${" in _TOKEN.sub(" ", text)


def expand(text: str, values: Mapping[str, str]) -> str | None:
    """Put the values in place; None when the text is nothing but names that have no value."""
    expanded = _TOKEN.sub(
        lambda found: "$" if found["dollar"] else values.get(found["name"], ""), text
    )
    names = references(text)
    is_unset = bool(names) and not any(name in values for name in names)
    return None if is_unset and not expanded else expanded
