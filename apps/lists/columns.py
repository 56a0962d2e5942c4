"""Which of its columns a list shows to whom: all that it has by itself, or those chosen."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.utils.text import capfirst

from apps.lists.services import chosen_columns

CHECKBOX = "action_checkbox"


@dataclass(frozen=True)
class Column:
    """A column of a list; a fixed one leads to the row, and stays."""

    name: str
    label: str
    is_shown: bool
    is_fixed: bool


class WithColumns:
    """What an admin of rows adds: more columns than it shows by itself, and the choice of each.

    All of them are in the list's own columns, so that a column's place in an address that sorts
    means the same to everybody. Those that are not shown are left out when it is drawn. An admin
    names those that are shown only to whoever chooses them as its `more_columns`.
    """

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns, with those on choice behind them."""
        return [*super().get_list_display(request), *_more(self)]  # type: ignore[misc]

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list with its columns, as its person chose them."""
        shown: Any = super().get_changelist_instance(request)  # type: ignore[misc]
        shown.columns = columns_of(self, request)  # type: ignore[arg-type]
        return shown  # type: ignore[no-any-return]


def columns_of(admin: "ModelAdmin[Any]", request: HttpRequest) -> list[Column]:
    """What there is to choose from, in the list's order."""
    names: list[Any] = [n for n in admin.get_list_display(request) if isinstance(n, str)]
    links = admin.get_list_display_links(request, names) or names[:1]
    chosen = chosen_columns(request.user, admin.opts.label_lower)  # type: ignore[arg-type]
    shown = default_columns(admin, names) if chosen is None else set(chosen)
    return [
        Column(
            name,
            capfirst(str(label_for_field(name, admin.model, model_admin=admin))),
            name in shown or name in links,
            name in links,
        )
        for name in names
    ]


def default_columns(admin: "ModelAdmin[Any]", names: list[str]) -> set[str]:
    """Those that whoever chose nothing sees."""
    return set(names) - set(_more(admin))


def _more(admin: Any) -> tuple[str, ...]:
    return getattr(admin, "more_columns", ())


def shown_names(cl: ChangeList) -> list[Any]:
    """What of a list's columns is drawn, in its order."""
    hidden = {column.name for column in cl.columns if not column.is_shown}  # type: ignore[attr-defined]
    return [name for name in cl.list_display if name not in hidden]
