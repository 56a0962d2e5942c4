"""One admin site for each kind of schema, with the apps of that kind and no others."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.sites import UnfoldAdminSite

from apps.accounts.access import is_limited, within_limits
from apps.accounts.views import admin_login
from apps.events.timelines import History
from apps.lists.beside import WithBeside
from apps.lists.columns import WithColumns
from apps.lists.filters import narrowed_filters
from apps.lists.views import list_urls
from apps.portal.homes import choose_steps, home_of
from apps.tenancy.kinds import app_labels
from apps.transfers.views import export_urls
from config.navigation import sidebar

# A few screens of them; of twice as many a page takes half as long again.
_ROWS = 50


class _Narrowed(History):
    """What an admin of rows adds for members who are limited to named resources."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows within the member's limits."""
        return within_limits(request.user, super().get_queryset(request))  # type: ignore[misc]

    def get_list_filter(self, request: HttpRequest) -> Any:
        """The filters, whose choices name no other rows either."""
        found = super().get_list_filter(request)  # type: ignore[misc]
        return narrowed_filters(self.model, found) if is_limited(request.user) else found  # type: ignore[attr-defined]

    def get_field_queryset(self, db: str | None, field: Any, request: HttpRequest) -> Any:
        """What a form offers for a relation."""
        rows = super().get_field_queryset(db, field, request)  # type: ignore[misc]
        if not is_limited(request.user):
            return rows
        offered = field.remote_field.model._default_manager.all() if rows is None else rows
        return within_limits(request.user, offered)


class KindAdminSite(UnfoldAdminSite):  # type: ignore[misc]
    """The admin of one kind; its first page is what the apps registered for it."""

    enable_nav_sidebar = True

    def __init__(self, kind: str) -> None:
        super().__init__(name="admin")
        self.kind = kind
        self.index_template = f"admin/{kind}_index.html"
        self.index_title = _("Home")

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The theme's, with the sheet of this schema's brand behind its own."""
        context: dict[str, Any] = super().each_context(request)
        sheet = request.brand.css_url  # type: ignore[attr-defined]
        context["styles"] = [*context["styles"], *([sheet] if sheet else [])]
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """The theme's; a home asks twice, and each model's rights are asked once for both."""
        if app_label is not None:
            return super().get_app_list(request, app_label)
        kept = getattr(request, "admin_app_list", None)
        if kept is None:
            kept = super().get_app_list(request)
            request.admin_app_list = kept  # type: ignore[attr-defined]
        return list(kept)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Every list and page shows a limited member only what they are limited to, and every list
        the columns that its person chose, so many rows at a time.
        """
        bases = (_Narrowed, WithColumns, WithBeside, admin_class)
        narrowed = type(admin_class.__name__, bases, {"list_per_page": _ROWS})
        super().register(model_or_iterable, narrowed, **options)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Sign in where the rest of the host does."""
        return admin_login(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Where a person's whole security is; a console has no passwords."""
        return redirect("account_security")

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The home of this kind."""
        context = {**(extra_context or {}), **home_of(self.kind, request)}
        if context["is_bare"]:
            context["doors"] = self._doors(request)
        return super().index(request, context)  # type: ignore[no-any-return]

    def _doors(self, request: HttpRequest) -> list[dict[str, Any]]:
        """What somebody without an overview can open instead."""
        here = request.path
        groups = self.get_sidebar_list(request)
        return [item for group in groups for item in group["items"] if item["link"] != here]

    def extra_urls(self) -> list[URLPattern]:
        """What stands beside each list, the export of all, and the choice of first steps."""
        steps = self.admin_view(require_POST(choose_steps))
        beside = [*list_urls(self), *export_urls(self, self.kind)]
        return [*beside, path("steps/", steps, name="first_steps")]

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The sidebar of this kind."""
        return sidebar(self, self.kind, request)


def build_site(kind: str) -> KindAdminSite:
    """The admin site of a kind, filled by its apps' `admin.register`."""
    site = KindAdminSite(kind)
    for app in apps.get_app_configs():
        is_ours = app.label in app_labels(kind) and app.name.startswith("apps.")
        if is_ours and find_spec(f"{app.name}.admin"):
            import_module(f"{app.name}.admin").register(site, kind)
    return site
