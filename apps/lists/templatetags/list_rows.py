"""The table of a list."""

from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList
from unfold.templatetags.unfold_list import result_headers

from apps.lists.columns import shown_names
from apps.lists.rows import rows_of

register = template.Library()


@register.inclusion_tag("admin/list_rows.html", takes_context=True)
def list_rows(context: template.Context, cl: ChangeList) -> dict[str, Any]:
    """The theme's headers above our rows. No list here is edited in place, nor put in order by
    hand, which the theme's table can.
    """
    shown = shown_names(cl)
    named = zip(cl.list_display, result_headers(cl), strict=True)
    columns = [(name, header) for name, header in named if name in shown]
    headers = [header for _name, header in columns]
    sorted_by = [header for header in headers if header["sortable"] and header["sorted"]]
    return {
        "cl": cl,
        "result_headers": headers,
        "num_sorted_fields": len(sorted_by),
        "rows": list(rows_of(cl, [(name, header["text"]) for name, header in columns])),
        "has_add_permission": cl.model_admin.has_add_permission(context["request"]),
    }
