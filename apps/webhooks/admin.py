"""Webhooks in the admin: endpoints, what became of each delivery, and sending again."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.core.languages import grouped
from apps.events.actors import Actor, user_actor
from apps.webhooks import services
from apps.webhooks.forms import EndpointForm, ReplayForm
from apps.webhooks.models import Attempt, Delivery, Endpoint, shown_types
from dotmac.crypto.secret import Secret

_RECENT = 20
_ENDPOINT_LABELS = {"active": "success", "paused": "warning", "disabled": "danger"}
_DELIVERY_LABELS = {"pending": "warning", "delivered": "success", "failed": "danger"}


class EndpointAdmin(ModelAdmin):  # type: ignore[misc]
    """Where events are sent."""

    form = EndpointForm
    list_display = ("url", "description", "events", "state", "failing_since")
    list_filter = ("status",)
    search_fields = ("url", "description")
    change_form_outer_after_template = "webhooks/endpoint.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """State only of one that is there."""
        return ["url", "description", "type_list", *(["status", "failing_since"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What becomes of it by itself."""
        return ["status", "failing_since"] if obj else []

    @display(description=_("events"))  # type: ignore[untyped-decorator]
    def events(self, endpoint: Endpoint) -> str:
        """Which events it gets."""
        return shown_types(endpoint.types)

    @display(description=_("state"), label=_ENDPOINT_LABELS)  # type: ignore[untyped-decorator]
    def state(self, endpoint: Endpoint) -> tuple[str, str]:
        """Whether it is sent to."""
        return endpoint.status, str(endpoint.get_status_display())

    def get_urls(self) -> list[URLPattern]:
        """What is done with an endpoint, before the admin's own pages."""
        act = self.admin_site.admin_view(require_POST(self.act))
        own = path("<int:object_id>/do/<slug:what>/", act, name="webhooks_endpoint_do")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With its newest deliveries and what can be done."""
        endpoint = self.get_object(request, unquote(object_id))
        more = {"endpoint": endpoint, "deliveries": _recent(endpoint)} if endpoint else {}
        own = {**more, "replay_form": ReplayForm(), "may_act": self.has_change_permission(request)}
        context = {**(extra_context or {}), **own}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        """Write through the services; a secret lives in this request alone."""
        values = {
            "url": obj.url,
            "description": obj.description,
            "types": form.cleaned_data["type_list"],
        }
        if change:
            services.update_endpoint(obj, actor=_actor(request), **values)
            return
        made, secret = services.create_endpoint(actor=_actor(request), **values)
        obj.__dict__.update(made.__dict__)
        request.made_secret = secret  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: Endpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the secret, this once."""
        return self._secret_page(request, obj, request.made_secret)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Endpoint) -> None:
        """Through the service, which records it."""
        services.remove_endpoint(obj, actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Each by itself."""
        for row in queryset:
            services.remove_endpoint(row, actor=_actor(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its deliveries go with it and are not listed, since there may be many."""
        return [str(one) for one in objs], {}, set(), []

    def act(self, request: HttpRequest, object_id: int, what: str) -> HttpResponse:
        """Test, pause, resume, rotate or replay."""
        endpoint = get_object_or_404(Endpoint, pk=object_id)
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        if what == "rotate":
            secret = services.rotate_secret(endpoint, actor=_actor(request))
            return self._secret_page(request, endpoint, secret)
        if what not in _ACTS:
            raise Http404
        try:
            messages.success(request, _ACTS[what](request, endpoint))
        except DomainError as error:
            messages.error(request, error.message)
        return redirect("admin:webhooks_endpoint_change", endpoint.pk)

    def _secret_page(
        self, request: HttpRequest, endpoint: Endpoint, secret: Secret
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Secret of the webhook"),
            "opts": self.opts,
            "row": endpoint,
            "text": secret.reveal(),
            "about": _(
                "Copy the secret now: nobody can show it again. With it the receiver checks that an"
                " event is from here; a secret of before is good for another day."
            ),
            "onward": _("On to the webhook"),
        }
        return render(request, "admin/shown_once.html", context)


class DeliveryAdmin(ModelAdmin):  # type: ignore[misc]
    """What became of each event on its way to an endpoint."""

    list_display = ("created_at", "type", "endpoint", "shown_state", "attempts", "last_status")
    more_columns = ("took", "last_error")
    opens_beside = True
    beside_template = "webhooks/delivery.html"
    list_filter = ("state", "endpoint")
    search_fields = ("type", "event")
    list_select_related = ("endpoint",)
    show_full_result_count = False
    change_form_outer_after_template = "webhooks/delivery.html"
    fields = ("type", "endpoint", "event", "state", "created_at", "due_at", "ended_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """With the status of the last answer."""
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return _with_last(rows)

    @display(description=_("state"), label=_DELIVERY_LABELS)  # type: ignore[untyped-decorator]
    def shown_state(self, delivery: Delivery) -> tuple[str, str]:
        """How far it is."""
        return delivery.state, str(delivery.get_state_display())

    @display(description=_("last answer"))  # type: ignore[untyped-decorator]
    def last_status(self, delivery: Any) -> str:
        """The status of the last answer."""
        return str(delivery.status or "–")

    @display(description=_("took"))  # type: ignore[untyped-decorator]
    def took(self, delivery: Any) -> str:
        """How long the last answer took."""
        return "–" if delivery.duration_ms is None else f"{grouped(delivery.duration_ms)} ms"

    @display(description=_("what went wrong"))  # type: ignore[untyped-decorator]
    def last_error(self, delivery: Any) -> str:
        """Of the last attempt."""
        return delivery.error or "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They come from events."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They go by themselves after 30 days."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Sending again, before the admin's own pages."""
        again = self.admin_site.admin_view(require_POST(self.replay))
        own = path("<int:object_id>/replay/", again, name="webhooks_delivery_replay")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With its attempts. It can be sent again; nothing of it is edited, so nothing is saved."""
        delivery = self.get_object(request, unquote(object_id))
        more = self.beside_context(request, delivery) if delivery else {}
        buttons = {"show_save": False, "show_save_and_continue": False}
        context = {**(extra_context or {}), **buttons, **more}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def beside_context(self, request: HttpRequest, delivery: Delivery) -> dict[str, Any]:
        """Its attempts, and whether it may be sent again."""
        attempts = Attempt.objects.filter(delivery=delivery)
        return {
            "attempts": list(attempts[:100]),
            "delivery_id": delivery.pk,
            "may_act": _may_send(request),
        }

    def replay(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Send it again."""
        delivery = get_object_or_404(Delivery, pk=object_id)
        if not _may_send(request):
            raise PermissionDenied
        try:
            services.replay(delivery, actor=_actor(request))
            messages.success(request, _("It is sent again now."))
        except DomainError as error:
            messages.error(request, error.message)
        return redirect("admin:webhooks_delivery_change", delivery.pk)


def register(site: AdminSite, kind: str) -> None:
    """In every kind."""
    site.register(Endpoint, EndpointAdmin)
    site.register(Delivery, DeliveryAdmin)


def _recent(endpoint: Endpoint) -> list[Delivery]:
    return list(_with_last(Delivery.objects.filter(endpoint=endpoint))[:_RECENT])


def _with_last(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    last = Attempt.objects.filter(delivery=OuterRef("pk")).order_by("-pk")
    return rows.annotate(
        status=Subquery(last.values("status")[:1]),
        error=Subquery(last.values("error")[:1]),
        duration_ms=Subquery(last.values("duration_ms")[:1]),
    )


def _test(request: HttpRequest, endpoint: Endpoint) -> str:
    services.send_test(endpoint, actor=_actor(request))
    return str(_("A test event is on its way; load the page again to see what became of it."))


def _pause(request: HttpRequest, endpoint: Endpoint) -> str:
    services.pause_endpoint(endpoint, actor=_actor(request))
    return str(_("Nothing is sent any more. What happens meanwhile can be replayed."))


def _resume(request: HttpRequest, endpoint: Endpoint) -> str:
    services.resume_endpoint(endpoint, actor=_actor(request))
    return str(_("Events are sent again."))


def _replay_since(request: HttpRequest, endpoint: Endpoint) -> str:
    form = ReplayForm(request.POST)
    if not form.is_valid():
        raise DomainError(str(_("Enter a time as in 2026-01-31 09:00.")), field="since")
    since = form.cleaned_data["since"]
    count = services.replay_since(endpoint, since, actor=_actor(request))
    text = ngettext("%(count)s event is sent again.", "%(count)s events are sent again.", count)
    return text % {"count": grouped(count)}


_ACTS: dict[str, Callable[[HttpRequest, Endpoint], str]] = {
    "test": _test,
    "pause": _pause,
    "resume": _resume,
    "replay": _replay_since,
}


def _may_send(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("webhooks.change_endpoint"))


def _actor(request: HttpRequest) -> Actor:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return user_actor(request.user)
