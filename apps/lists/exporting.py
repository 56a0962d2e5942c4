"""A list as CSV: what its filters leave, in the columns that it shows."""

import csv
from collections.abc import Iterator
from datetime import date, datetime
from html import unescape
from typing import IO, Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import strip_tags

from apps.core.csvs import BOM, guarded
from apps.lists.columns import CHECKBOX, shown_names

_CHUNK = 500


def may_export(admin: "ModelAdmin[Any]", request: HttpRequest) -> bool:
    """Whether whoever sees the list may take it along; an admin may ask for more than seeing.

    The operator's support looks, and takes nothing along.
    """
    if getattr(request.user, "visit", None) is not None:
        return False
    asked = getattr(admin, "has_export_permission", admin.has_view_permission)
    return bool(asked(request))


def write_list(shown: ChangeList, admin: "ModelAdmin[Any]", file: IO[str]) -> int:
    """Write the whole of a list, not one page of it; returns the number of rows."""
    names = [name for name in shown_names(shown) if name != CHECKBOX]
    file.write(BOM)
    writer = csv.writer(file)
    writer.writerow([guarded(_heading(name, shown, admin)) for name in names])
    count = 0
    for line in _lines(shown, admin, names):
        writer.writerow(line)
        count += 1
    return count


def _heading(name: Any, shown: ChangeList, admin: "ModelAdmin[Any]") -> str:
    label = str(label_for_field(name, shown.model, model_admin=admin))
    return label[:1].upper() + label[1:]


def _lines(shown: ChangeList, admin: "ModelAdmin[Any]", names: list[Any]) -> Iterator[list[str]]:
    for row in shown.queryset.iterator(_CHUNK):
        yield [guarded(_cell(name, row, admin)) for name in names]


def _cell(name: Any, row: Model, admin: "ModelAdmin[Any]") -> str:
    try:
        field, _attribute, value = lookup_field(name, row, admin)
    except ObjectDoesNotExist:
        return ""
    if field is not None and getattr(field, "flatchoices", None):
        value = getattr(row, f"get_{field.name}_display")()
    return text_of(value)


def text_of(value: Any) -> str:
    """A value as a cell: local times in ISO 8601, no markup."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        # A tag: the value that gives it its colour, and its word.
        return text_of(value[-1]) if value else ""
    if isinstance(value, list):
        # A column of several parts: title, a line below it, and a picture, which is left out.
        return ", ".join(filter(None, (text_of(v) for v in value if not isinstance(v, dict))))
    return unescape(strip_tags(str(value))).strip()
