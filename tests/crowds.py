"""Many copies of a row, of any model: what must differ does, the rest is the same."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.db import models
from django.db.models import Field, Model

_BATCH = 1000
# Which field of a unique set is made another, the first of these.
_KINDS = (
    models.UUIDField,
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.ForeignKey,
)


def crowd(model: type[Model], count: int) -> int:
    """Add copies of the newest row; returns how many, none where there is no row."""
    return len(_added(model, count))


def _added(model: type[Model], count: int) -> list[Any]:
    row = model._base_manager.order_by("-pk").first()
    if row is None:
        return []
    start = model._base_manager.count()
    copies = _copies(row, range(start, start + count))
    return [made.pk for made in model._base_manager.bulk_create(copies, batch_size=_BATCH)]


def _copies(row: Model, numbers: range) -> Iterator[Model]:
    fields = [one for one in row._meta.concrete_fields if not isinstance(one, models.AutoField)]
    fields = [one for one in fields if not one.generated]
    sets = [names for names in _unique(type(row)) if _is_full(row, names)]
    own = {one.name for names in sets for one in _told_apart(names)}
    related = {
        # What it is of is another one for each copy.
        one.attname: _added(one.related_model, len(numbers))
        for one in fields
        if one.name in own and one.is_relation
    }
    for place, number in enumerate(numbers):
        values = {one.attname: getattr(row, one.attname) for one in fields}
        for one in fields:
            if one.attname in related:
                values[one.attname] = related[one.attname][place]
            elif one.name in own:
                values[one.attname] = _another(one, values[one.attname], number)
        yield type(row)(**values)


def _unique(model: type[Model]) -> Iterator[list["Field[Any, Any]"]]:
    """The sets of fields that no two rows have alike."""
    options = model._meta
    for one in options.concrete_fields:
        if one.unique and not isinstance(one, models.AutoField):
            yield [one]
    for names in options.unique_together:
        yield [options.get_field(name) for name in names]  # type: ignore[misc]
    for constraint in options.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            names = [*constraint.fields, *_named(constraint.expressions)]
            if names:
                yield [options.get_field(name) for name in names]  # type: ignore[misc]


def _is_full(row: Model, fields: list["Field[Any, Any]"]) -> bool:
    """Whether a row has all of a set's values: one without may be there more than once."""
    return all(getattr(row, one.attname) is not None for one in fields)


def _named(expressions: Any) -> Iterator[str]:
    for expression in expressions:
        for part in expression.flatten():
            if isinstance(part, models.F):
                yield part.name


def _told_apart(fields: list["Field[Any, Any]"]) -> list["Field[Any, Any]"]:
    """The one of them that differs in each copy: an id, a text, a number, or else what it is of."""
    for kind in _KINDS:
        for one in fields:
            if isinstance(one, kind) and not one.choices:
                return [one]
    return []


def _another(field: "Field[Any, Any]", value: Any, number: int) -> Any:
    if isinstance(field, models.UUIDField):
        return uuid4()
    if isinstance(field, models.IntegerField):
        return int(value) + number + 1
    return f"{number}-{value}"[: field.max_length or None] if value else value
