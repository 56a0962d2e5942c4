"""Which filters of a list are in force, each with the address of the list without it."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ListFilter
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.http import HttpRequest
from django.utils.text import capfirst


@dataclass(frozen=True)
class Chip:
    """A filter in force: what it looks at, what it leaves, and where the list is without it."""

    label: str
    value: str
    url: str


def chips_of(request: HttpRequest, cl: ChangeList) -> list[Chip]:
    """The filters that the address of a list sets, in the order of the list's own."""
    found = []
    for spec in cl.filter_specs:
        names = [str(name) for name in spec.expected_parameters() if name in request.GET]
        if names and (value := _chosen(spec, cl) or _typed(request, names)):
            found.append(Chip(capfirst(str(spec.title)), value, _without(request, names)))
    return found


def clear_url(request: HttpRequest, cl: ChangeList) -> str:
    """The list without any filter; its search and its order stay."""
    return _without(
        request, [str(name) for one in cl.filter_specs for name in one.expected_parameters()]
    )


def _chosen(spec: ListFilter, cl: ChangeList) -> str:
    """What is chosen among the links of a filter; nothing where it is a field to type in."""
    choices: list[Any] = list(spec.choices(cl))
    return next(
        (str(one["display"]) for one in choices if one.get("selected") and "display" in one), ""
    )


def _typed(request: HttpRequest, names: list[str]) -> str:
    return " – ".join(value for name in names for value in request.GET.getlist(name) if value)


def _without(request: HttpRequest, names: list[str]) -> str:
    query = request.GET.copy()
    for name in (*names, PAGE_VAR):
        query.pop(name, None)
    return f"?{query.urlencode()}"
