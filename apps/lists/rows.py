"""The rows of an admin list as markup.

The theme finds out the headers again for each row and renders a template for each box and tag,
which is most of the time of a page; and it repeats its classes in each cell, which is most of the
bytes. What the rows say is taken from the same places.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import BooleanField, ManyToOneRel, Model
from django.template.loader import render_to_string
from django.urls import NoReverseMatch
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from unfold.utils import display_for_field, display_for_value
from unfold.widgets import CHECKBOX_CLASSES

from apps.lists.columns import CHECKBOX

_BOX = " ".join([*CHECKBOX_CLASSES, "action-select"])
_HEADS_ROW = ' scope="row"'


def rows_of(cl: ChangeList, columns: list[tuple[Any, Any]]) -> Iterator[SafeString]:
    """A `tr` for each row of a page; `columns` are names with their labels."""
    links = _Links(cl)
    # Once for the page, not for each cell.
    columns = [(name, conditional_escape(str(capfirst(label)))) for name, label in columns]
    for row in cl.result_list:
        cells = SafeString("".join(_cells(cl, row, columns, links)))  # nosec B308 B703 - escaped
        yield format_html('<tr class="dm-row data-row">{}</tr>', cells)


def _cells(
    cl: ChangeList, row: Model, columns: list[tuple[Any, str]], links: "_Links"
) -> Iterator[str]:
    """Each with what it shows escaped; put together by hand, since there are thousands."""
    is_linked = False
    for name, label in columns:
        if name == CHECKBOX:
            yield _box(row)
            continue
        shown, kind = shown_value(cl.model_admin, row, name), f"field-{_name(name)}"
        is_link = cl.list_display_links is not None and (
            name in cl.list_display_links or not (is_linked or cl.list_display_links)
        )
        if not is_link:
            yield f'<td class="{kind}" data-label="{label}">{conditional_escape(shown)}</td>'
            continue
        # The first that leads on is what the row is about.
        tag = "td" if is_linked else "th"
        is_linked = True
        shown = conditional_escape(links.around(row, shown))
        heads = _HEADS_ROW if tag == "th" else ""
        yield f'<{tag} class="{kind}" data-label="{label}"{heads}>{shown}</{tag}>'


def _name(name: Any) -> str:
    return name if isinstance(name, str) else getattr(name, "__name__", "column")


def _box(row: Model) -> SafeString:
    return format_html(
        '<td class="dm-row__box action-checkbox"><input type="checkbox" name="{}" value="{}"'
        ' class="{}" aria-label="{}"></td>',
        ACTION_CHECKBOX_NAME,
        row.pk,
        _BOX,
        _("Select %(row)s") % {"row": row},
    )


def shown_value(admin: "ModelAdmin[Any]", row: Model, name: Any) -> Any:
    """What a row says in a column, as pages show it."""
    empty = admin.get_empty_value_display()
    try:
        field, attribute, value = lookup_field(name, row, admin)
    except ObjectDoesNotExist:
        return empty
    empty = getattr(attribute, "empty_value_display", empty)
    if field is None or field.auto_created:
        if tones := getattr(attribute, "label", None):
            return _tag(value, tones)
        if getattr(attribute, "boolean", False):
            return _yes_or_no(value, get_language())
        return display_for_value(value, empty)
    if isinstance(field.remote_field, ManyToOneRel):
        related = getattr(row, field.name)
        return empty if related is None else related
    if isinstance(field, BooleanField):
        return _yes_or_no(value, get_language())
    return display_for_field(value, field, empty)


def _tag(value: Any, tones: Any) -> SafeString:
    """A tag by the theme's rules: the tone by a value, the text beside it where there is one."""
    text = value
    if isinstance(value, tuple):
        value, text = value
    tone = tones.get(value) if isinstance(tones, dict) else None
    return _drawn_tag(str(text), tone) if text else SafeString("–")


@lru_cache(maxsize=1024)
def _drawn_tag(text: str, tone: str | None) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": tone})


@lru_cache(maxsize=32)
def _yes_or_no(value: bool | None, language: str) -> SafeString:
    return render_to_string("unfold/helpers/boolean.html", {"value": value})


class _Links:
    """From rows to their pages, and back to the list as it is narrowed."""

    def __init__(self, cl: ChangeList) -> None:
        self.cl = cl
        self._back: str | None = None
        self._opens_beside = opens_beside(cl.model_admin) and not cl.is_popup

    def around(self, row: Model, shown: Any) -> Any:
        """A link to the row's page around what is shown; that alone where it has no page."""
        cl = self.cl
        try:
            address = cl.url_for_result(row)
        except NoReverseMatch:
            return shown
        if self._back is None:
            # The same for all rows, and costly to find.
            kept: dict[str, Any] = {"preserved_filters": cl.preserved_filters, "opts": cl.opts}
            self._back = add_preserved_filters(kept, address).removeprefix(address)
        opener: Any = ""
        if self._opens_beside:
            beside = f"{address.removesuffix('change/')}beside/"
            opener = format_html(' data-beside="{}"', beside)
        if cl.is_popup:
            value = row.serializable_value(str(cl.to_field or cl.pk_attname))
            opener = format_html(' data-popup-opener="{}"', value)
        return format_html('<a href="{}{}"{}>{}</a>', address, self._back, opener, shown)


def opens_beside(admin: "ModelAdmin[Any]") -> bool:
    """Whether an admin, whose rows nobody edits, says that they open beside its list."""
    return bool(getattr(admin, "opens_beside", False))
