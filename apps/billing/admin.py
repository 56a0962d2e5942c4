"""Plans in the admin: how they are shown, their versions, and new ones beside the old."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.billing import services
from apps.billing.forms import HostingTermsForm, PlanForm, ServiceTermsForm, TermsForm
from apps.billing.models import Plan, PlanVersion
from apps.billing.money import format_money
from apps.core.exceptions import DomainError
from apps.events.actors import Actor, user_actor
from apps.tenancy.kinds import PUBLIC


class PlanAdmin(ModelAdmin):  # type: ignore[misc]
    """Plans; a price changes by a new version, and nobody's present price with it."""

    form = PlanForm
    terms_form: type[TermsForm] = ServiceTermsForm
    list_display = ["name", "shown_price", "offered", "version_count", "position"]
    list_filter = ["is_offered"]
    search_fields = ["name", "key"]
    actions_detail = ["new_version"]
    change_form_after_template = "billing/versions.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        """With the newest version's price."""
        newest = PlanVersion.objects.filter(plan=OuterRef("pk")).order_by("-number")
        rows: QuerySet[Plan] = super().get_queryset(request)
        return rows.annotate(
            newest_number=Subquery(newest.values("number")[:1]),
            newest_minor=Subquery(newest.values("flat_minor")[:1]),
            newest_currency=Subquery(newest.values("currency")[:1]),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> list[str]:
        """A key is what others remember a plan by."""
        return ["key"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """What was sold stays readable; a plan is no longer offered instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """Write through the services."""
        fields = {name: getattr(obj, name) for name in PlanForm.Meta.fields}
        if change:
            del fields["key"]
            current = Plan.objects.get(pk=obj.pk)
            services.update_plan(current, actor=_actor(request), **fields)
            return
        made = services.create_plan(actor=_actor(request), **fields)
        obj.__dict__.update(made.__dict__)

    def response_add(
        self, request: HttpRequest, obj: Plan, post_url_continue: str | None = None
    ) -> HttpResponse:
        """A plan without a price cannot be sold, so its price is asked next."""
        return redirect(self._version_url(obj.pk))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With the versions below the form."""
        versions = PlanVersion.objects.filter(plan_id=object_id).select_related("plan")
        context = {**(extra_context or {}), "versions": versions[:50]}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[no-any-return]

    def get_urls(self) -> list[URLPattern]:
        """The form of a new version, before the admin's own."""
        view = self.admin_site.admin_view(self.version_view)
        own = path("<int:object_id>/version/", view, name="billing_plan_version")
        return [own, *super().get_urls()]

    @action(description=_("New version"), icon="add", permissions=["change"])  # type: ignore[untyped-decorator]
    def new_version(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the form of a new version."""
        return redirect(self._version_url(object_id))

    def version_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Publish a new version; those before stay as they are."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        plan = Plan.objects.filter(pk=object_id).first()
        if plan is None:
            raise Http404
        newest = plan.versions.first()
        initial = self.terms_form.initial_of(newest) or self._usual()
        form = self.terms_form(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid() and self._publish(request, plan, form):
            return redirect("admin:billing_plan_change", plan.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("New version of %(plan)s") % {"plan": plan},
            "plan": plan,
            "newest": newest,
            "form": form,
        }
        return render(request, "billing/new_version.html", context)

    @display(description=_("price"))  # type: ignore[untyped-decorator]
    def shown_price(self, row: Any) -> str:
        """The newest version's price."""
        if row.newest_currency is None:
            return "–"
        return format_money(row.newest_minor, row.newest_currency)

    @display(description=_("versions"))  # type: ignore[untyped-decorator]
    def version_count(self, row: Any) -> int:
        """How many there were."""
        return row.newest_number or 0

    @display(description=_("offered"), label={"yes": "success", "no": "warning"})  # type: ignore[untyped-decorator]
    def offered(self, row: Plan) -> tuple[str, str]:
        """Whether new customers can choose it."""
        return ("yes", str(_("Offered"))) if row.is_offered else ("no", str(_("Not offered")))

    @staticmethod
    def _publish(request: HttpRequest, plan: Plan, form: TermsForm) -> bool:
        try:
            version = services.publish_version(plan, form.terms(), actor=_actor(request))
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
            return False
        messages.success(request, _("%(version)s is published.") % {"version": version})
        return True

    @staticmethod
    def _usual() -> dict[str, Any]:
        """The currency that was used last."""
        last = PlanVersion.objects.order_by("-pk").first()
        return {"currency": last.currency} if last else {}

    @staticmethod
    def _version_url(plan_id: int) -> str:
        return reverse("admin:billing_plan_version", args=[plan_id])


class HostingPlanAdmin(PlanAdmin):
    """Plans that the operator sells."""

    terms_form = HostingTermsForm


def register(site: AdminSite, kind: str) -> None:
    """Hosting at the operator, services in a workspace."""
    site.register(Plan, HostingPlanAdmin if kind == PUBLIC else PlanAdmin)


def _actor(request: HttpRequest) -> Actor:
    return user_actor(request.user)  # type: ignore[arg-type]
