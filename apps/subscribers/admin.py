"""Subscribers and services in the workspace's admin."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.decorators import action, display

from apps.accounts.access import may, require
from apps.core.exceptions import DomainError
from apps.events.actors import Actor, user_actor
from apps.subscribers import access, services
from apps.subscribers.bulk import SERVICE_STEPS, BulkSteps, Step, asked_by
from apps.subscribers.forms import AddForm, DetailsForm, ServiceForm, SuspendForm
from apps.subscribers.import_views import ImportPages
from apps.subscribers.models import Service, Subscriber
from apps.subscribers.personal_pages import PersonalData
from apps.subscribers.portal import SERVICE_TONES, service_row
from apps.subscribers.querysets import SubscriberQuerySet
from apps.subscribers.timeline import timeline_of

_PEOPLE_TAGS = {
    "active": "success",
    "lead": "info",
    "qualified": "info",
    "inactive": "warning",
    "archived": "warning",
}
_SERVICE_TAGS = {
    "active": "success",
    "suspended": "danger",
    "pending_install": "info",
    "draft": "info",
    "terminated": "warning",
}
_PERSON_TONES = {"active": "ok", "lead": "info", "qualified": "info"}
# What can be done with a service in which status; the first is the page's primary action.
_STEPS = {
    "draft": ("activate", "order", "terminate"),
    "pending_install": ("activate", "terminate"),
    "active": ("suspend", "terminate"),
    "suspended": ("resume", "terminate"),
    "terminated": (),
}
_PERSON_STEPS: dict[str, tuple[Step, Any]] = {
    "invite": (access.give_portal_access, _("An invitation is on its way to {0.email}.")),
    "archive": (services.archive_subscriber, _("{0} is archived.")),
    "restore": (services.restore_subscriber, _("{0} is restored.")),
}


class SubscriberAdmin(PersonalData, BulkSteps, ImportPages):
    """An ISP's subscribers."""

    form = AddForm
    list_display = ["name", "number", "state", "plans", "service_states", "email", "phone"]
    more_columns = ("external_id", "language", "created_at")
    list_filter = ["status", "services__status", "services__plan_version__plan", "created_at"]
    search_fields = ["name"]
    search_help_text = _("Name, number, e-mail, telephone or user name")
    show_full_result_count = False
    actions_list = ["bring", "take"]
    fieldsets = [
        (None, {"fields": ["name", ("email", "phone"), ("number", "external_id")]}),
        (_("Address"), {"fields": ["street", ("postcode", "city"), "country"]}),
        (_("Service"), {"fields": [("plan", "username")]}),
    ]

    def get_queryset(self, request: HttpRequest) -> SubscriberQuerySet:
        """With services and plans, so that the queries do not grow with the rows."""
        rows: SubscriberQuerySet = super().get_queryset(request)
        return rows.prefetch_related("services__plan_version__plan")

    def get_search_results(
        self, request: HttpRequest, queryset: SubscriberQuerySet, search_term: str
    ) -> tuple[SubscriberQuerySet, bool]:
        """By the shape of what was typed."""
        return (queryset.search(search_term) if search_term else queryset), False

    def services_of(self, rows: QuerySet[Any]) -> QuerySet[Service]:
        """All services of the chosen subscribers."""
        return Service.objects.filter(subscriber__in=rows.values("pk"))

    def get_urls(self) -> list[URLPattern]:
        """The steps of a subscriber's page, before the admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:pk>/do/<slug:what>/", wrap(self.do), name="subscribers_do"),
            path("<int:pk>/personal/", wrap(self.personal), name="subscribers_personal"),
            path(
                "<int:pk>/personal.json",
                wrap(require_http_methods(["GET", "POST"])(self.personal_file)),
                name="subscribers_personal_file",
            ),
            path("<int:pk>/services/", wrap(self.add_service), name="subscribers_add_service"),
            path(
                "<int:pk>/services/<int:service_pk>/<slug:what>/",
                wrap(self.do_service),
                name="subscribers_do_service",
            ),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Subscribers are archived, never deleted here."""
        return False

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may take the list along."""
        return self.has_transfer_permission(request)

    def has_transfer_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Who may bring and take lists."""
        return may(request.user, "subscribers.transfer")

    @action(description=_("Import CSV"), icon="upload", permissions=["transfer"])  # type: ignore[untyped-decorator]
    def bring(self, request: HttpRequest) -> HttpResponse:
        """To the page that takes a file."""
        return redirect("admin:subscribers_import")

    @action(description=_("Export for import"), icon="download", permissions=["transfer"])  # type: ignore[untyped-decorator]
    def take(self, request: HttpRequest) -> HttpResponse:
        """To the file with all of them."""
        return redirect("admin:subscribers_export")

    @display(description=_("status"), label=_PEOPLE_TAGS)  # type: ignore[untyped-decorator]
    def state(self, row: Subscriber) -> tuple[str, str]:
        """The status as a tag."""
        return row.status, row.get_status_display()

    @display(description=_("plan"))  # type: ignore[untyped-decorator]
    def plans(self, row: Subscriber) -> str:
        """What they have or had."""
        names = dict.fromkeys(s.plan_version.plan.name for s in row.services.all())
        return ", ".join(names) or "–"

    @display(description=_("service"), label=_SERVICE_TAGS)  # type: ignore[untyped-decorator]
    def service_states(self, row: Subscriber) -> tuple[str, str] | str:
        """The status of the service that matters most."""
        order = list(_SERVICE_TAGS)
        found = sorted(row.services.all(), key=lambda service: order.index(service.status))
        suspended = [s for s in found if s.status == Service.Status.SUSPENDED]
        for service in suspended or found:
            return service.status, service.get_status_display()
        return "–"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A race for a number or a user name is told, too."""
        try:
            return super().add_view(request, form_url, extra_context)  # type: ignore[no-any-return]
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("admin:subscribers_subscriber_add")

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: bool) -> None:
        """Write a new one through the services, with the service where one was chosen."""
        fields = {name: getattr(obj, name) for name in AddForm.Meta.fields}
        actor, plan = _actor(request), form.cleaned_data["plan"]
        with transaction.atomic():
            made = services.create_subscriber(actor=actor, **fields)
            address = services.ensure_address(made, actor=actor, **form.address())
            if plan:
                username = form.cleaned_data["username"]
                services.add_service(
                    made, plan_version=plan, username=username, address=address, actor=actor
                )
        obj.__dict__.update(made.__dict__)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The subscriber's own page."""
        person = self.get_object(request, unquote(object_id))
        if person is None:
            raise Http404
        if not self.has_view_permission(request, person):
            raise PermissionDenied
        form = DetailsForm(request.POST or None, instance=person)
        if request.method == "POST" and form.is_valid():
            self._require_change(request)
            fresh = Subscriber.objects.get(pk=person.pk)
            changed = dict(form.cleaned_data)
            _try(
                request, lambda: services.update_subscriber(fresh, actor=_actor(request), **changed)
            )
            return redirect("admin:subscribers_subscriber_change", person.pk)
        return self._page(request, person, form, ServiceForm(initial=_initial_address(person)))

    def add_service(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A further service, from the form of the subscriber's page."""
        self._require_change(request)
        person = get_object_or_404(Subscriber, pk=pk)
        form = ServiceForm(request.POST or None)
        if not form.is_valid():
            details = DetailsForm(instance=person)
            return self._page(request, person, details, form)
        _try(request, lambda: _add_service(person, form, _actor(request)))
        return redirect("admin:subscribers_subscriber_change", pk)

    def do(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        """A step of the person; only by POST."""
        require(request, asked_by(what))
        person = get_object_or_404(Subscriber, pk=pk)
        if request.method != "POST" or what not in _PERSON_STEPS:
            raise Http404
        step, words = _PERSON_STEPS[what]
        if _try(request, lambda: step(person, actor=_actor(request))):
            messages.success(request, str(words).format(person))
        return redirect("admin:subscribers_subscriber_change", pk)

    def do_service(self, request: HttpRequest, pk: int, service_pk: int, what: str) -> HttpResponse:
        """A step of one service; only by POST."""
        require(request, asked_by(what))
        service = get_object_or_404(Service, pk=service_pk, subscriber=pk)
        if request.method != "POST" or what not in SERVICE_STEPS:
            raise Http404
        extra = {"reason": request.POST.get("reason", "")} if what == "suspend" else {}
        _try(request, lambda: SERVICE_STEPS[what](service, actor=_actor(request), **extra))
        return redirect("admin:subscribers_subscriber_change", pk)

    def _require_change(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied

    def _page(
        self, request: HttpRequest, person: Subscriber, form: DetailsForm, service_form: ServiceForm
    ) -> HttpResponse:
        found = person.services.select_related("plan_version__plan", "address")
        owned = list(found.order_by("pk"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Subscriber"),
            "person": person,
            "tone": _PERSON_TONES.get(person.status, "idle"),
            "services": [_service_card(service, request.user) for service in owned],
            "form": form,
            "service_form": service_form,
            "suspend_form": SuspendForm(),
            "can_erase": may(request.user, "subscribers.erase"),
            "can_change": self.has_change_permission(request, person),
            "can_archive": person.status not in ("active", "archived")
            and may(request.user, "subscribers.end"),
            "events": timeline_of(person, owned),
        }
        return render(request, "subscribers/subscriber.html", context)


class ServiceAdmin(BulkSteps):
    """All services in one list; each opens its subscriber."""

    list_display = ["shown", "plan", "state", "username", "address", "activated_at"]
    more_columns = ("suspended_at", "terminated_at")
    list_filter = ["status", "suspension", "plan_version__plan"]
    list_select_related = ["subscriber", "plan_version__plan", "address"]
    search_fields = ["username", "subscriber__name", "subscriber__number"]
    show_full_result_count = False

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Who may take the list along."""
        return may(request.user, "subscribers.transfer")

    def services_of(self, rows: QuerySet[Any]) -> QuerySet[Service]:
        """The chosen ones."""
        return rows

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A service is added on its subscriber's page."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A service is terminated, never deleted."""
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """On to the subscriber's page."""
        service = self.get_object(request, unquote(object_id))
        if service is None:
            raise Http404
        return redirect("admin:subscribers_subscriber_change", service.subscriber_id)

    @display(description=_("subscriber"), ordering="subscriber__name")  # type: ignore[untyped-decorator]
    def shown(self, row: Service) -> str:
        """Whose it is."""
        return row.subscriber.name

    @display(description=_("plan"), ordering="plan_version__plan__name")  # type: ignore[untyped-decorator]
    def plan(self, row: Service) -> str:
        """What it is."""
        return row.plan_version.plan.name

    @display(description=_("status"), label=_SERVICE_TAGS)  # type: ignore[untyped-decorator]
    def state(self, row: Service) -> tuple[str, str]:
        """The status as a tag."""
        return row.status, row.get_status_display()


def register(site: AdminSite, kind: str) -> None:
    """In a workspace, which alone has these tables."""
    site.register(Subscriber, SubscriberAdmin)
    site.register(Service, ServiceAdmin)


def _actor(request: HttpRequest) -> Actor:
    return user_actor(request.user)  # type: ignore[arg-type]


def _try(request: HttpRequest, change: Callable[[], object]) -> bool:
    """Whether it was done; what stands against it becomes a message."""
    try:
        change()
    except DomainError as error:
        messages.error(request, error.message)
        return False
    return True


@transaction.atomic
def _add_service(person: Subscriber, form: ServiceForm, actor: Actor) -> Service:
    given = form.cleaned_data
    address = services.ensure_address(person, actor=actor, **form.address())
    return services.add_service(
        person,
        plan_version=given["plan"],
        username=given["username"],
        address=address,
        actor=actor,
    )


def _initial_address(person: Subscriber) -> dict[str, str]:
    address = person.addresses.first()
    return {name: getattr(address, name) for name in ServiceForm.ADDRESS} if address else {}


def _service_card(service: Service, user: object) -> dict[str, Any]:
    """With the steps that the person may do."""
    steps = [step for step in _STEPS[service.status] if may(user, asked_by(step))]
    return {
        **service_row(service),
        "row": service,
        "tone": SERVICE_TONES.get(service.status, "idle"),
        "first": steps[0] if steps else "",
        "steps": steps,
    }
