"""The catalogue in the operator's admin."""

from typing import Any

import yaml
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.marketplace import services
from apps.marketplace.models import App, Release
from apps.tenancy.kinds import PUBLIC


class CatalogueAdmin(ModelAdmin):  # type: ignore[misc]
    """What publishing a manifest writes; nothing of it is typed in here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Apps and releases come from manifests."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A published release never changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What runs of it still needs it."""
        return False


class AppAdmin(CatalogueAdmin):
    """Apps that can be deployed."""

    list_display = ["title", "key", "summary", "is_listed", "release_count"]
    list_filter = ["is_listed"]
    search_fields = ["title", "key", "summary"]
    actions = ["show", "hide"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[App]:
        """With the number of releases."""
        return super().get_queryset(request).annotate(release_count=Count("releases"))  # type: ignore[no-any-return]

    @display(description=_("releases"), ordering="release_count")
    def release_count(self, row: Any) -> int:
        """How many releases it has."""
        return int(row.release_count)

    @action(description=_("Show in the catalogue"), permissions=["steer"])
    def show(self, request: HttpRequest, rows: QuerySet[App]) -> None:
        """Offer them."""
        self._list(request, rows, is_listed=True)

    @action(description=_("Hide from the catalogue"), permissions=["steer"])
    def hide(self, request: HttpRequest, rows: QuerySet[App]) -> None:
        """Offer them no more."""
        self._list(request, rows, is_listed=False)

    def has_steer_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Whoever may change apps; the rows themselves come from manifests."""
        return request.user.has_perm("marketplace.change_app")

    def _list(self, request: HttpRequest, rows: QuerySet[App], *, is_listed: bool) -> None:
        for app in rows:
            services.set_listed(app, is_listed, actor=user_actor(request.user))  # type: ignore[arg-type]
        messages.success(request, _("Done."))


class ReleaseAdmin(CatalogueAdmin):
    """Releases with their manifests."""

    list_display = ["app", "version", "state", "published_at"]
    list_filter = ["app", "is_withdrawn"]
    list_select_related = ["app"]
    search_fields = ["app__title", "app__key", "version"]
    date_hierarchy = "published_at"
    fields = ["app", "version", "published_at", "is_withdrawn", "shown_manifest"]
    readonly_fields = ["shown_manifest"]
    actions = ["withdraw"]

    @display(description=_("state"), label={"offered": "success", "withdrawn": "warning"})
    def state(self, row: Release) -> tuple[str, str]:
        """Whether it is on offer."""
        if row.is_withdrawn:
            return "withdrawn", str(_("Withdrawn"))
        return "offered", str(_("On offer"))

    @display(description=_("manifest"))
    def shown_manifest(self, row: Release) -> SafeString:
        """The manifest as it was published."""
        text = yaml.safe_dump(row.manifest, sort_keys=False, allow_unicode=True)
        return format_html('<pre class="dm-code">{}</pre>', text)

    @action(description=_("Withdraw: offer no more"), permissions=["steer"])
    def withdraw(self, request: HttpRequest, rows: QuerySet[Release]) -> None:
        """Offer them no more; what runs goes on."""
        for release in rows.select_related("app"):
            try:
                services.withdraw(release, actor=user_actor(request.user))  # type: ignore[arg-type]
            except DomainError as error:
                messages.warning(request, error.message)
            else:
                messages.success(request, str(_("{release} is withdrawn.")).format(release=release))

    def has_steer_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Whoever may change releases."""
        return request.user.has_perm("marketplace.change_release")


def register(site: AdminSite, kind: str) -> None:
    """At the operator only; its tables are shared."""
    if kind == PUBLIC:
        site.register(App, AppAdmin)
        site.register(Release, ReleaseAdmin)
