"""The bar above a list."""

from typing import Any

from django import template
from django.contrib.admin.views.main import ChangeList
from django.urls import reverse

from apps.lists.chips import chips_of, clear_url
from apps.lists.exporting import may_export
from apps.lists.services import kept_query, views_of

register = template.Library()


@register.inclusion_tag("admin/list_bar.html", takes_context=True)
def list_bar(context: template.Context, cl: ChangeList) -> dict[str, Any]:
    """The person's views of this list, its columns and its filters, and what changes them."""
    request, opts = context["request"], cl.opts
    query = kept_query(request.GET.urlencode())
    address = [opts.app_label, opts.model_name]
    views = [
        {
            "name": view.name,
            "url": f"?{view.query}",
            "is_shown": view.query == query,
            "remove_url": reverse("admin:list_remove_view", args=[*address, view.pk]),
        }
        for view in views_of(request.user, opts.label_lower)
    ]
    return {
        "views": views,
        "shown": next((view for view in views if view["is_shown"]), None),
        "query": query,
        "columns": cl.columns,  # type: ignore[attr-defined]
        "columns_url": reverse("admin:list_columns", args=address),
        "save_url": reverse("admin:list_save_view", args=address),
        "export_url": f"{reverse('admin:list_export', args=address)}?{query}",
        "chips": chips_of(request, cl),
        "clear_url": clear_url(request, cl),
        "csrf_token": context.get("csrf_token"),
        "can_export": cl.result_count and may_export(cl.model_admin, request),
    }
