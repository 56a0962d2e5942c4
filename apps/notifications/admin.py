"""What left the house, in the admin."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts.access import may
from apps.events.actors import user_actor
from apps.notifications import services
from apps.notifications.gateway_admin import SmsGatewayAdmin
from apps.notifications.models import Delivery, SmsGateway, Suppressed
from apps.notifications.permissions import SEND
from apps.notifications.suppression import (
    bounce_token,
    old_token_until,
    release,
    renew_bounce_address,
    shown_reason,
    suppress,
)


class DeliveryAdmin(ModelAdmin):  # type: ignore[misc]
    """Each message with what became of it; nothing here is changed, only sent again."""

    list_display = ("created_at", "channel", "address", "about", "state", "attempts", "error")
    list_filter = ("status", "channel")
    search_fields = ("address", "error")
    list_select_related = ("notification",)
    show_full_result_count = False
    actions = ("send_again",)
    fields = ("channel", "address", "about", "status", "attempts", "error", "created_at", "sent_at")
    readonly_fields = fields
    opens_beside = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        """What happens makes them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A log."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go with their notification."""
        return False

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Who may send them again."""
        return may(request.user, SEND)

    @display(description=_("about"))  # type: ignore[untyped-decorator]
    def about(self, row: Delivery) -> str:
        """What was told."""
        return row.notification.heading

    @display(
        description=_("status"),
        label={"queued": "info", "sent": "success", "failed": "danger"},
    )  # type: ignore[untyped-decorator]
    def state(self, row: Delivery) -> tuple[str, str]:
        """As a tag."""
        return row.status, row.get_status_display()

    @action(description=_("Send again"), permissions=["send"])  # type: ignore[untyped-decorator]
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Another round of tries for those that failed."""
        sent = sum(services.send_again(row) for row in queryset)
        text = ngettext("%(count)s is sent again.", "%(count)s are sent again.", sent)
        messages.success(request, text % {"count": sent})


class SuppressedAdmin(ModelAdmin):  # type: ignore[misc]
    """Addresses that get nothing; who is on the list by mistake is taken off it."""

    list_display = ("address", "shown_reason", "since")
    search_fields = ("address", "reason")
    show_full_result_count = False
    list_before_template = "admin/notifications/bounces.html"

    def get_fields(self, request: HttpRequest, obj: Suppressed | None = None) -> tuple[str, ...]:
        """A reason is entered as it is, and shown as people read it."""
        return ("address", "reason") if obj is None else ("address", "shown_reason", "since")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An address is on it, or it is not."""
        return False

    @display(description=_("reason"), ordering="reason")  # type: ignore[untyped-decorator]
    def shown_reason(self, row: Suppressed) -> str:
        """Who or what put it there."""
        return shown_reason(row)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """With the address to which a provider reports."""
        url = request.build_absolute_uri(reverse("notification_bounces", args=[bounce_token()]))
        own = {"bounces_url": url, "old_until": old_token_until()}
        return super().changelist_view(request, {**(extra_context or {}), **own})  # type: ignore[no-any-return]

    def get_urls(self) -> list[URLPattern]:
        """Renewing the address for bounces, before the admin's own pages."""
        renew = self.admin_site.admin_view(require_POST(self.renew))
        own = path("renew/", renew, name="notifications_suppressed_renew")
        return [own, *super().get_urls()]

    def renew(self, request: HttpRequest) -> HttpResponse:
        """Another address; that of before counts for a week."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        renew_bounce_address(actor=user_actor(request.user))
        text = _("This is the new address. The one of before is answered for seven more days.")
        messages.success(request, text)
        return redirect("admin:notifications_suppressed_changelist")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the service, which records it."""
        suppress(obj.address, reason=obj.reason, actor=user_actor(request.user))
        obj.__dict__.update(Suppressed.objects.get(address=obj.address.lower()).__dict__)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Through the service."""
        release(obj, actor=user_actor(request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Suppressed]) -> None:
        """Each by itself."""
        for row in queryset:
            release(row, actor=user_actor(request.user))


def register(site: AdminSite, kind: str) -> None:
    """In every kind."""
    site.register(Delivery, DeliveryAdmin)
    site.register(SmsGateway, SmsGatewayAdmin)
    site.register(Suppressed, SuppressedAdmin)
