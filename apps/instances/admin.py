"""Instances in the console's admin: list, page, catalogue, and what one can do."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts.access import may, require
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.instances import pages, services
from apps.instances.constants import ASKED, WORKSPACE_APP
from apps.instances.exceptions import InvalidSettingsError
from apps.instances.forms import InstallForm, settings_form
from apps.instances.models import Instance
from apps.marketplace import services as marketplace


class InstanceAdmin(ModelAdmin):  # type: ignore[misc]
    """An ISP's instances."""

    list_display = ("name", "shown_status", "hostname", "release", "hosting", "region")
    list_filter = ("status", "hosting")
    search_fields = ("name", "hostname", "app", "uuid")
    search_help_text = _("Name, address or app")
    actions_list = ("choose_app",)
    show_full_result_count = False

    @display(
        description=_("status"),
        label={
            Instance.Status.ACTIVE: "success",
            Instance.Status.FAILED: "danger",
            Instance.Status.SUSPENDED: "warning",
            Instance.Status.DEPLOYING: "info",
        },
    )
    def shown_status(self, row: Instance) -> tuple[str, str]:
        """The status as a tag."""
        return row.status, row.get_status_display()

    @action(description=_("Deploy app"), icon="add", permissions=["install"])  # type: ignore[untyped-decorator]
    def choose_app(self, request: HttpRequest) -> HttpResponse:
        """To the catalogue."""
        return redirect("admin:instances_catalogue")

    def has_install_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Who may deploy what is new here."""
        return may(request.user, "instances.install")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Instances come from the catalogue."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are archived, never deleted here."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The catalogue, the tabs and the actions, before the admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("catalogue/", wrap(self.catalogue), name="instances_catalogue"),
            path("catalogue/<slug:app>/", wrap(self.install), name="instances_install"),
            path("<int:pk>/deployments/", wrap(self.deployments), name="instances_deployments"),
            path("<int:pk>/environment/", wrap(self.environment), name="instances_environment"),
            path("<int:pk>/settings/", wrap(self.settings), name="instances_settings"),
            path("<int:pk>/do/<slug:what>/", wrap(self.do), name="instances_do"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The instance's own page."""
        instance = self.get_object(request, unquote(object_id))
        if instance is None:
            raise Http404
        return self._page(request, instance, "overview", pages.overview(instance))

    def deployments(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Every release that was put in place."""
        instance = self._instance(request, pk)
        return self._page(request, instance, "deployments", pages.deployments(instance))

    def settings(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What is grave, last and alone."""
        return self._page(request, self._instance(request, pk), "settings", {})

    def environment(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The settings that the app reads."""
        instance = self._instance(request, pk)
        form = settings_form(instance, request.POST or None)
        if request.method == "POST" and form.is_valid():
            require(request, "instances.deploy", instance)
            answer = self._redeploy(request, instance, form)
            if answer is not None:
                return answer
        return self._page(request, instance, "environment", {"form": form})

    def _page(
        self, request: HttpRequest, instance: Instance, tab: str, context: dict[str, Any]
    ) -> HttpResponse:
        if not self.has_view_permission(request, instance):
            raise PermissionDenied
        frame = pages.frame(instance, tab, user=request.user)
        around = {**self.admin_site.each_context(request), "opts": self.opts, "object": instance}
        return render(request, f"console/instance_{tab}.html", {**around, **frame, **context})

    def _instance(self, request: HttpRequest, pk: int) -> Instance:
        found: Instance = get_object_or_404(self.get_queryset(request), pk=pk)
        return found

    def _redeploy(
        self, request: HttpRequest, instance: Instance, form: InstallForm
    ) -> HttpResponse | None:
        """Where it goes on; None when the form is shown again with what the app refused."""
        try:
            operation = services.change_settings(
                instance,
                form.cleaned_settings(),
                actor=user_actor(request.user),  # type: ignore[arg-type]
            )
        except InvalidSettingsError as error:
            instance.refresh_from_db()
            form.refuse(error)
            return None
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("admin:instances_environment", instance.pk)
        return redirect("operation", operation.uuid)

    def do(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        """One of the actions of the page; only by POST."""
        instance = self._instance(request, pk)
        if request.method != "POST" or what not in ASKED:
            raise Http404
        require(request, ASKED[what], instance)
        actor = user_actor(request.user)  # type: ignore[arg-type]
        try:
            operation = (
                services.deploy(instance, actor=actor)
                if what == "deploy"
                else services.change(
                    instance, what, actor=actor, reason=request.POST.get("reason", "")
                )
            )
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("admin:instances_instance_change", instance.pk)
        return redirect("operation", operation.uuid)

    def catalogue(self, request: HttpRequest) -> HttpResponse:
        """What can be deployed."""
        require(request, "catalogue.view")
        context = {
            **self.admin_site.each_context(request),
            "title": "Catalogue",
            "apps": pages.catalogue(),
            "can_install": may(request.user, "instances.install"),
        }
        return render(request, "console/catalogue.html", context)

    def install(self, request: HttpRequest, app: str) -> HttpResponse:
        """The settings of an app, and the button that deploys it."""
        require(request, "instances.install")
        if app == WORKSPACE_APP:
            raise Http404
        try:
            release = marketplace.latest(app)
        except DomainError as error:
            raise Http404(error.message) from error
        form = InstallForm(release.manifest, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                operation = services.install(
                    app=app,
                    environment=form.cleaned_settings(),
                    actor=user_actor(request.user),  # type: ignore[arg-type]
                )
                return redirect("operation", operation.uuid)
            except InvalidSettingsError as error:
                form.refuse(error)
            except DomainError as error:
                form.add_error(None, error.message)
        context = {
            **self.admin_site.each_context(request),
            "title": "Catalogue",
            "app": release.app,
            "release": release,
            "facts": pages.release_facts(release),
            "form": form,
        }
        return render(request, "console/install.html", context)


def register(site: AdminSite, kind: str) -> None:
    """Put instances into the console's admin."""
    if kind == "console":
        site.register(Instance, InstanceAdmin)
