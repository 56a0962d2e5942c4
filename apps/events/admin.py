"""The event log in the admin: read only."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.events.models import Event


class EventAdmin(ModelAdmin):  # type: ignore[misc]
    """Who did what, to what, and when."""

    list_display = ("at", "type", "subject_label", "actor_label")
    list_filter = ("type", "actor_kind")
    search_fields = ("type", "subject_label", "actor_label", "subject_id")
    fields = ("at", "type", "actor_label", "subject_type", "subject_label", "subject_id", "data")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Events are written by what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody removes them."""
        return False


def register(site: AdminSite, kind: str) -> None:
    """In every kind."""
    site.register(Event, EventAdmin)
