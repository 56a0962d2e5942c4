"""How every list is narrowed and put in order, told by what its rows have."""

from datetime import datetime
from functools import cache
from typing import Any

import django_filters
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from apps.core.models import Labelled

# By which fields of a model its lists can be put in order: those with mostly different values.
_ORDERED = (
    "created_at",
    "updated_at",
    "published_at",
    "deleted_at",
    "sent_at",
    "since",
    "date_joined",
    "name",
    "title",
    "number",
    "key",
    "code",
    "slug",
    "email",
    "address",
    "hostname",
    "username",
)
# What belongs to every list and filters nothing.
_NO_FILTERS = {"limit", "cursor", "ordering"}
_SINCE = "Only what changed at or after this time. Ask from a minute before your last."


class Filtering(DjangoFilterBackend):
    """A resource's own filters, with `updated_since` and those of labels."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        """The list as it is where nothing is asked: no filter here has a value of its own."""
        if _NO_FILTERS.issuperset(request.query_params):
            return queryset
        self._check_names(request, queryset, view)
        return super().filter_queryset(request, queryset, view)

    def _check_names(self, request: Request, queryset: Any, view: Any) -> None:
        """ValidationError for what is no filter: who misspells one would get all rows."""
        if view.action != "list":
            return
        known = getattr(self.get_filterset_class(view, queryset), "base_filters", {})
        for name in request.query_params.keys() - _NO_FILTERS - known.keys():
            raise ValidationError({name: [_("This list has no filter of this name.")]})

    def get_filterset_class(self, view: Any, queryset: Any = None) -> Any:
        """The view's filter set, or an empty one, with what every list has."""
        own = super().get_filterset_class(view, queryset)
        if queryset is None or not getattr(view, "access", ""):
            return own
        return _complete(own, queryset.model, tuple(changed_fields(view, queryset.model)))


class Ordering(BaseFilterBackend):
    """`ordering=name` or `ordering=-created_at`, by fields that are named; others are refused.

    The primary key decides between equals, so that pages stay right.
    """

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        """The pages put it in order."""
        return queryset

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> list[str] | None:
        """For the pages; None for the list's own order."""
        asked = request.query_params.get("ordering", "")
        if not asked:
            return None
        name, minus = asked.removeprefix("-"), "-" if asked.startswith("-") else ""
        if name not in ordered_fields(view, queryset.model):
            raise ValidationError({"ordering": [_("A list cannot be put in this order.")]})
        return [asked, f"{minus}pk"]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """For the OpenAPI document."""
        names = ordered_fields(view, view.queryset.model) if view.queryset is not None else []
        if not names:
            return []
        return [
            {
                "name": "ordering",
                "in": "query",
                "description": "In which order; with a minus, the other way round.",
                "schema": {"type": "string", "enum": [*names, *(f"-{n}" for n in names)]},
            }
        ]


def ordered_fields(view: Any, model: type[Model]) -> list[str]:
    """What a list can be put in order by."""
    own: list[str] | None = getattr(view, "ordering_fields", None)
    if own is not None:
        return own
    fields = {field.name: field for field in model._meta.concrete_fields}
    return [name for name in _ORDERED if name in fields and not fields[name].null]


def changed_fields(view: Any, model: type[Model]) -> list[str]:
    """The times that tell when a row changed."""
    own: list[str] | None = getattr(view, "changed_fields", None)
    if own is not None:
        return own
    return ["updated_at"] if any(f.name == "updated_at" for f in _fields(model)) else []


def _fields(model: type[Model]) -> list[Any]:
    return list(model._meta.concrete_fields)


@cache
def _complete(own: Any, model: type[Model], times: tuple[str, ...]) -> Any:
    base = own or django_filters.FilterSet
    more: dict[str, Any] = {}
    if times and "updated_since" not in getattr(base, "base_filters", {}):
        more["updated_since"] = _Since(times, help_text=_SINCE)
    if issubclass(model, Labelled):
        more["external_id"] = django_filters.CharFilter(help_text="What another system calls it.")
        more["metadata"] = _Metadata(help_text="As `key:text`, for those that have it.")
    if own is None:
        more["Meta"] = type("Meta", (), {"model": model, "fields": []})
    return type(f"{model.__name__}Filters", (base,), more)


class _Since(django_filters.IsoDateTimeFilter):
    """What has one of several times at or after the one that is asked."""

    def __init__(self, times: tuple[str, ...], **options: Any) -> None:
        super().__init__(field_name=times[0], **options)
        self.times = times

    def filter(self, qs: QuerySet[Any], value: datetime | None) -> QuerySet[Any]:
        """Any of the times."""
        if value is None:
            return qs
        found = Q()
        for name in self.times:
            found |= Q(**{f"{name}__gte": value})
        return qs.filter(found)


class _Metadata(django_filters.CharFilter):
    """What has a text by a key in its metadata."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        """By containment."""
        if not value:
            return qs
        key, _colon, text = value.partition(":")
        return qs.filter(metadata__contains={key: text})
