"""What wants a decision or a hand, as a home lists it: a few of each sort, and a way to all."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

MOST = 5


def need(title: str, text: str = "", url: str = "", tone: str = "warn") -> dict[str, Any]:
    """A line; `tone` is bad or warn."""
    return {"title": title, "text": text, "url": url, "done": False, "tone": tone}


def first_few(
    rows: QuerySet[Any] | list[Any], say: Callable[[Any], dict[str, Any]], *, listed: str
) -> list[dict[str, Any]]:
    """The first of some rows in words, and a line that leads to where all of them are listed."""
    found = list(rows[: MOST + 1])
    shown = [say(row) for row in found[:MOST]]
    return [*shown, need(_("There are more of these"), url=listed)] if found[MOST:] else shown
