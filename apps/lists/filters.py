"""Filters of lists, for members who are limited to named resources."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.contrib.admin import FieldListFilter, ModelAdmin, RelatedFieldListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.http import HttpRequest

from apps.accounts.access import within_limits


def narrowed_filters(model: type[Model], filters: Iterable[Any]) -> list[Any]:
    """The same filters, but those by a relation offer only what the member may see."""
    return [_narrowed(model, one) for one in filters]


def _narrowed(model: type[Model], given: Any) -> Any:
    name, kind = given if isinstance(given, list | tuple) else (given, None)
    if not isinstance(name, str):
        return given
    field = _field(model, name)
    if field is None or not field.is_relation:
        return given
    kind = kind or RelatedFieldListFilter
    is_related = issubclass(kind, RelatedFieldListFilter)
    # Of another kind we do not know where it gets its choices: a limited member goes without.
    return (name, _within(kind)) if is_related else (name, _within(RelatedFieldListFilter))


def _field(model: type[Model], path: str) -> Any:
    try:
        return get_fields_from_path(model, path)[-1]
    except FieldDoesNotExist:
        return None


@cache
def _within(kind: type[FieldListFilter]) -> type[FieldListFilter]:
    class Within(kind):  # type: ignore[misc,valid-type]
        def field_choices(
            self, field: "Field[Any, Any]", request: HttpRequest, model_admin: "ModelAdmin[Any]"
        ) -> list[tuple[Any, str]]:
            """Those whose rows lie within the member's limits."""
            related = field.remote_field.model._default_manager.all()  # type: ignore[union-attr]
            seen = set(within_limits(request.user, related).values_list("pk", flat=True))
            offered = super().field_choices(field, request, model_admin)
            return [(value, name) for value, name in offered if value in seen]

    return Within
