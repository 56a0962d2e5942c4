"""Instances in the console's admin: list, page, catalogue, and what one can do."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.addresses import host_url
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.events.models import Event
from apps.instances import services
from apps.instances.constants import WORKSPACE_APP
from apps.instances.exceptions import InvalidSettingsError
from apps.instances.forms import InstallForm, settings_form
from apps.instances.models import Instance
from apps.instances.panels import TONES, event_row
from apps.marketplace import services as marketplace
from apps.operations.models import Operation
from apps.operations.services import active_on

_LABELS = {
    "stop": ("Stop", "square"),
    "start": ("Start", "play"),
    "suspend": ("Suspend", "circle-pause"),
    "resume": ("Resume", "play"),
    "archive": ("Archive", "archive"),
}


class InstanceAdmin(ModelAdmin):  # type: ignore[misc]
    """An ISP's instances."""

    list_display = ("name", "shown_status", "hostname", "release", "hosting", "region")
    list_filter = ("status", "hosting")
    search_fields = ("name", "hostname", "app")

    @display(
        description="status",
        label={
            "Active": "success",
            "Failed": "danger",
            "Suspended": "warning",
            "Deploying": "info",
        },
    )
    def shown_status(self, row: Instance) -> str:
        """The status as a tag."""
        return str(row.get_status_display())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Instances come from the catalogue."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are archived, never deleted here."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """The catalogue and the actions, before the admin's own."""
        wrap = self.admin_site.admin_view
        return [
            path("catalogue/", wrap(self.catalogue), name="instances_catalogue"),
            path("catalogue/<slug:app>/", wrap(self.install), name="instances_install"),
            path("<int:pk>/do/<slug:what>/", wrap(self.do), name="instances_do"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The instance's own page, with its settings."""
        instance = self.get_object(request, unquote(object_id))
        if instance is None:
            raise Http404
        form = settings_form(instance, request.POST or None)
        if request.method == "POST" and form.is_valid():
            answer = self._redeploy(request, instance, form)
            if answer is not None:
                return answer
        context = {
            **self.admin_site.each_context(request),
            "title": instance.name,
            "instance": instance,
            "tone": TONES.get(Instance.Status(instance.status), "idle"),
            "address": host_url(instance.hostname, is_workspace=True),
            "actions": _actions(instance),
            "running": active_on(instance),
            "deployments": instance.deployments.all()[:20],
            "operations": Operation.objects.filter(subject_id=str(instance.uuid))[:10],
            "events": [
                event_row(e) for e in Event.objects.filter(subject_id=str(instance.uuid))[:20]
            ],
            "form": form,
            "open_url": reverse("open_instance", args=[instance.uuid]),
        }
        return render(request, "console/instance.html", context)

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
            return redirect("admin:instances_instance_change", instance.pk)
        return redirect("operation", operation.uuid)

    def do(self, request: HttpRequest, pk: int, what: str) -> HttpResponse:
        """One of the actions of the page; only by POST."""
        instance = get_object_or_404(Instance, pk=pk)
        if request.method != "POST" or what not in {*services.CHANGES, "deploy"}:
            raise Http404
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
        context = {
            **self.admin_site.each_context(request),
            "title": "Catalogue",
            "apps": [app for app in marketplace.catalogue() if app.key != WORKSPACE_APP],
        }
        return render(request, "console/catalogue.html", context)

    def install(self, request: HttpRequest, app: str) -> HttpResponse:
        """The settings of an app, and the button that deploys it."""
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
            "title": f"Deploy {release.app.title}",
            "app": release.app,
            "release": release,
            "form": form,
        }
        return render(request, "console/install.html", context)


def _actions(instance: Instance) -> list[dict[str, Any]]:
    """What can be done with it now, the harmless first."""
    possible = [
        {"what": what, "label": _LABELS[what][0], "icon": _LABELS[what][1]}
        for what in services.possible_changes(instance)
    ]
    if instance.hosting == Instance.Hosting.DEDICATED and instance.status in {
        Instance.Status.ACTIVE,
        Instance.Status.FAILED,
        Instance.Status.ARCHIVED,
        Instance.Status.PENDING,
    }:
        label = "Deploy" if instance.status == Instance.Status.ACTIVE else "Deploy again"
        possible.insert(0, {"what": "deploy", "label": label, "icon": "rocket"})
    return possible


def register(site: AdminSite, kind: str) -> None:
    """Put instances into the console's admin."""
    if kind == "console":
        site.register(Instance, InstanceAdmin)
