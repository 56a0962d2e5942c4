"""What the pages of an instance show, beside its head: one address for each tab."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.access import may
from apps.accounts.addresses import host_url
from apps.events.models import Event
from apps.fleet.models import Placement
from apps.instances import services
from apps.instances.constants import ASKED, WORKSPACE_APP
from apps.instances.models import Deployment, Instance
from apps.instances.panels import TONES, Names, event_row
from apps.instances.workspace import organisation_here
from apps.marketplace import services as marketplace
from apps.marketplace.models import Release
from apps.operations.models import Operation
from apps.operations.services import active_on
from dotmac.stack import resources

_LABELS = {
    "deploy": (gettext_lazy("Deploy"), "rocket"),
    "stop": (gettext_lazy("Stop"), "square"),
    "start": (gettext_lazy("Start"), "play"),
    "suspend": (gettext_lazy("Suspend"), "circle-pause"),
    "resume": (gettext_lazy("Resume"), "play"),
    "archive": (gettext_lazy("Archive"), "archive"),
}
# What a person does daily stands in the head of the page, what is grave in its settings.
_IN_HEAD = ("start", "resume", "deploy", "stop")
_DEPLOYABLE = {
    Instance.Status.ACTIVE,
    Instance.Status.FAILED,
    Instance.Status.ARCHIVED,
    Instance.Status.PENDING,
}
_DEPLOYMENT_TONES = {
    Deployment.Status.RUNNING: "info",
    Deployment.Status.SUCCEEDED: "ok",
    Deployment.Status.FAILED: "bad",
}
_EVENTS = 12
_MIB = 1024 * 1024
_DEPLOYMENTS = 50


def frame(instance: Instance, tab: str, *, user: object) -> dict[str, Any]:
    """The head of every page of an instance, and its tabs."""
    names = Names.now()
    changes = {
        what: change for what, change in _changes(instance).items() if may(user, ASKED[what])
    }
    return {
        "title": instance.name,
        "instance": instance,
        "app_title": names.app_of(instance),
        "region_name": names.region_of(instance),
        "tone": TONES.get(Instance.Status(instance.status), "idle"),
        "address": host_url(instance.hostname, is_workspace=True),
        "open_url": reverse("open_instance", args=[instance.uuid]),
        "running": active_on(instance),
        "actions": [changes[what] for what in _IN_HEAD if what in changes],
        "suspend": changes.get("suspend"),
        "archive": changes.get("archive"),
        "tabs": [entry for entry in _tabs(instance, tab) if entry["is_shown"]],
    }


def overview(instance: Instance) -> dict[str, Any]:
    """Where it runs, what was last put in place, and what happened."""
    happened = Event.objects.filter(subject_id=str(instance.uuid))
    happened = happened.exclude(type__startswith="operation.")
    return {
        "placement": _placement(instance),
        "deployments": _deployments(instance, 3),
        "events": [event_row(e, is_about=True) for e in happened[:_EVENTS]],
        "events_url": f"{reverse('admin:events_event_changelist')}?q={instance.uuid}",
    }


def deployments(instance: Instance) -> dict[str, Any]:
    """Every release that was put in place, or tried."""
    return {"deployments": _deployments(instance, _DEPLOYMENTS)}


def _tabs(instance: Instance, current: str) -> list[dict[str, Any]]:
    is_dedicated = instance.hosting == Instance.Hosting.DEDICATED
    shown = [
        ("overview", "instances_instance_change", _("Overview"), True),
        ("deployments", "instances_deployments", _("Deployments"), is_dedicated),
        ("environment", "instances_environment", _("Environment"), is_dedicated),
        ("settings", "instances_settings", _("Settings"), True),
    ]
    return [
        {
            "title": title,
            "url": reverse(f"admin:{name}", args=[instance.pk]),
            "current": tab == current,
            "is_shown": is_shown,
        }
        for tab, name, title, is_shown in shown
    ]


def _changes(instance: Instance) -> dict[str, dict[str, str]]:
    """What can be done with it now, by name."""
    possible = list(services.possible_changes(instance))
    if instance.hosting == Instance.Hosting.DEDICATED and instance.status in _DEPLOYABLE:
        possible.append("deploy")
    return {
        what: {
            "what": what,
            "label": str(_LABELS[what][0]),
            "icon": _LABELS[what][1],
            "url": reverse("admin:instances_do", args=[instance.pk, what]),
        }
        for what in possible
    }


def _deployments(instance: Instance, count: int) -> list[dict[str, Any]]:
    rows = list(instance.deployments.all()[:count])
    found = Operation.objects.filter(uuid__in=[row.operation for row in rows])
    operations = {operation.uuid: operation for operation in found}
    return [_deployment_row(row, operations.get(row.operation)) for row in rows]


def _deployment_row(row: Deployment, operation: Operation | None) -> dict[str, Any]:
    return {
        "number": row.number,
        "release": row.release,
        "status": row.get_status_display(),
        "tone": _DEPLOYMENT_TONES.get(Deployment.Status(row.status), "idle"),
        "live": row.status == Deployment.Status.RUNNING,
        "at": row.created_at,
        "seconds": (row.finished_at - row.created_at).total_seconds() if row.finished_at else None,
        "actor": operation.actor_label if operation else "",
        "cause": operation.cause if operation else "",
        "url": reverse("operation", args=[row.operation]) if operation else "",
    }


def _placement(instance: Instance) -> dict[str, Any] | None:
    """What is reserved for it and what the poller saw last; None on the platform itself."""
    row = (
        Placement.objects.filter(
            instance=instance.uuid, status__in=Placement.OPEN, server__isnull=False
        )
        .select_related("seen")
        .order_by("-deployment")
        .first()
    )
    if row is None:
        return None
    return {
        "cpu": f"{row.cpu_millis / 1000:g}",
        "memory_mb": row.memory_mb,
        "disk_gb": f"{row.disk_mb / 1024:.0f}",
        "seen": getattr(row, "seen", None),
    }


def catalogue() -> list[dict[str, Any]]:
    """The apps that can be deployed, each with its instance where there is one already."""
    mine = {row.app: row for row in Instance.objects.all()}
    apps = marketplace.catalogue().exclude(key=WORKSPACE_APP)
    return [_app_row(marketplace.latest(app.key), mine.get(app.key)) for app in apps]


def release_facts(release: Release) -> dict[str, Any]:
    """What a release will take, and where it will be."""
    needed = resources(marketplace.manifest_of(release))
    organisation = organisation_here()
    return {
        "host": f"{organisation.slug}--{release.app.key}.{settings.APPS_DOMAIN}",
        "memory_mb": needed.memory_bytes // _MIB,
        "cpu": f"{needed.nano_cpus / 1e9:g}",
        "disk_gb": f"{needed.disk_bytes / _MIB / 1024:g}",
        "region_name": Names.now().regions.get(organisation.region, organisation.region),
    }


def _app_row(release: Release, own: Instance | None) -> dict[str, Any]:
    app = release.app
    needed = resources(marketplace.manifest_of(release))
    row = {
        "key": app.key,
        "title": app.title,
        "summary": app.summary,
        "release": release.version,
        "memory_mb": needed.memory_bytes // _MIB,
    }
    if own is None:
        return row
    tone = TONES.get(Instance.Status(own.status), "idle")
    url = reverse("admin:instances_instance_change", args=[own.pk])
    return {**row, "instance_url": url, "status": own.get_status_display(), "tone": tone}
