"""Alert channels in the operator's admin, and what became of each alert."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.models import User
from apps.alerts import channels
from apps.alerts.constants import PATIENCE
from apps.alerts.forms import ChannelForm
from apps.alerts.models import AlertChannel, AlertDelivery
from apps.core.exceptions import DomainError
from apps.events.actors import Actor, user_actor
from dotmac.crypto.secret import Secret

_RECENT = 20
_WORKS, _FAILS, _OFF = "works", "fails", "off"
_STATUS_LABELS = {"queued": "info", "sent": "success", "failed": "danger", "dropped": "default"}


class AlertChannelAdmin(ModelAdmin):  # type: ignore[misc]
    """Where alerts go."""

    form = ChannelForm
    list_display = ("name", "kind", "place", "severity", "state", "last_sent_at")
    list_filter = ("kind", "severity", "is_on")
    search_fields = ("name",)
    change_form_outer_after_template = "alerts/channel.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The place only of one that is there."""
        shown = ["place", "state_in_words"] if obj else []
        return ["name", "kind", *shown, "new_address", "new_secret", "severity", "is_on"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A channel stays of its kind."""
        return ["kind", "place", "state_in_words"] if obj else []

    @display(description=_("state"), label={_WORKS: "success", _FAILS: "danger", _OFF: "warning"})  # type: ignore[untyped-decorator]
    def state(self, channel: AlertChannel) -> tuple[str, str]:
        """Whether what is sent arrives."""
        if not channel.is_on:
            return _OFF, str(_("Off"))
        return (_FAILS, str(_("Fails"))) if channel.failing_since else (_WORKS, str(_("On")))

    @display(description=_("state"))  # type: ignore[untyped-decorator]
    def state_in_words(self, channel: AlertChannel) -> str:
        """On a page of its own, where there are no tags."""
        return self.state(channel)[1]

    def get_urls(self) -> list[URLPattern]:
        """The test, before the admin's own pages."""
        wrap = self.admin_site.admin_view
        test = wrap(require_POST(self.test))
        own = path("<int:object_id>/test/", test, name="alerts_alertchannel_test")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With what it was sent lately."""
        channel = self.get_object(request, unquote(object_id))
        own = _page_of(channel) if channel else {}
        return super().change_view(  # type: ignore[no-any-return]
            request, object_id, form_url, {**(extra_context or {}), **own}
        )

    def save_model(
        self, request: HttpRequest, obj: AlertChannel, form: ChannelForm, change: bool
    ) -> None:
        """Write through the services; a secret lives in this request alone."""
        values: dict[str, Any] = {
            "name": obj.name,
            "severity": obj.severity,
            "is_on": obj.is_on,
            "address": form.secret_in("new_address"),
            "secret": form.secret_in("new_secret"),
            "actor": _actor(request),
        }
        if change:
            channels.update_channel(obj, **values)
            return
        made, secret = channels.create_channel(kind=obj.kind, **values)
        obj.__dict__.update(made.__dict__)
        request.made_secret = secret  # type: ignore[attr-defined]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """What the services refuse is said on the page of before."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[no-any-return]
        except DomainError as error:
            messages.error(request, error.message)
            return redirect(request.path)

    def response_add(
        self, request: HttpRequest, obj: AlertChannel, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show a secret that was made, this once; else on to the test."""
        secret = request.made_secret  # type: ignore[attr-defined]
        return self._secret_page(request, obj, secret) if secret else _to(obj)

    def delete_model(self, request: HttpRequest, obj: AlertChannel) -> None:
        """Through the service, which records it."""
        channels.remove_channel(obj, actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AlertChannel]) -> None:
        """Each by itself."""
        for row in queryset:
            channels.remove_channel(row, actor=_actor(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its deliveries go with it and are not listed, since there may be many."""
        return [str(one) for one in objs], {}, set(), []

    def test(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A worker sends it; the page shows what came back."""
        channel = get_object_or_404(AlertChannel, pk=object_id)
        if not self.has_change_permission(request, channel):
            raise PermissionDenied
        channels.send_test(channel)
        return _to(channel)

    def _secret_page(
        self, request: HttpRequest, channel: AlertChannel, secret: Secret
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Secret of the alert channel"),
            "opts": self.opts,
            "row": channel,
            "text": secret.reveal(),
            "about": _(
                "Copy the secret now: nobody can show it again. With it the receiver checks that an"
                " alert is from here."
            ),
            "onward": _("On to the channel"),
        }
        return render(request, "admin/shown_once.html", context)


class AlertDeliveryAdmin(ModelAdmin):  # type: ignore[misc]
    """Each alert with what became of it, by channel; a log."""

    list_display = ("created_at", "heading", "what", "channel", "state", "attempts", "answered")
    list_filter = ("status", "what", "channel")
    list_select_related = ("channel", "alert")
    search_fields = ("error", "alert__about")
    show_full_result_count = False
    fields = (
        "heading",
        "body",
        "severity",
        "repeats",
        "what",
        "channel",
        "status",
        "attempts",
        "answered",
        "error",
        "created_at",
        "sent_at",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """What happens makes them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A log."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go by themselves after 90 days."""
        return False

    @display(description=_("about"))  # type: ignore[untyped-decorator]
    def heading(self, row: AlertDelivery) -> str:
        """What happened."""
        return row.heading

    @display(description=_("details"))  # type: ignore[untyped-decorator]
    def body(self, row: AlertDelivery) -> str:
        """Why, and what to do."""
        return (row.alert.body if row.alert else "") or "–"

    @display(description=_("severity"))  # type: ignore[untyped-decorator]
    def severity(self, row: AlertDelivery) -> str:
        """How much it matters."""
        return row.alert.get_severity_display() if row.alert else "–"

    @display(description=_("came again within 15 minutes"))  # type: ignore[untyped-decorator]
    def repeats(self, row: AlertDelivery) -> int:
        """How often it was not said again."""
        return row.alert.repeats if row.alert else 0

    @display(description=_("status"), label=_STATUS_LABELS)  # type: ignore[untyped-decorator]
    def state(self, row: AlertDelivery) -> tuple[str, str]:
        """As a tag."""
        return row.status, str(row.get_status_display())

    @display(description=_("last answer"))  # type: ignore[untyped-decorator]
    def answered(self, row: AlertDelivery) -> str:
        """Its number, and how it began."""
        return f"{row.answer_status or ''} {row.answer}".strip() or "–"


def register(site: AdminSite, kind: str) -> None:
    """At the operator, where the app is."""
    site.register(AlertChannel, AlertChannelAdmin)
    site.register(AlertDelivery, AlertDeliveryAdmin)


def _page_of(channel: AlertChannel) -> dict[str, Any]:
    rows = AlertDelivery.objects.filter(channel=channel).select_related("alert")
    deliveries, now = list(rows[:_RECENT]), timezone.now()
    newest = rows.filter(what=AlertDelivery.What.TEST).first()
    return {
        "channel": channel,
        "deliveries": deliveries,
        "test": newest,
        "is_testing": bool(newest and newest.status == AlertDelivery.Status.QUEUED),
        "is_broken": bool(channel.failing_since and channel.failing_since <= now - PATIENCE),
    }


def _to(channel: AlertChannel) -> HttpResponse:
    return redirect("admin:alerts_alertchannel_change", channel.pk)


def _actor(request: HttpRequest) -> Actor:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return user_actor(request.user)
