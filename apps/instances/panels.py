"""What instances add to the console's first page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.access import is_limited, may, narrow
from apps.accounts.addresses import host_url
from apps.core.languages import grouped
from apps.events.models import Event
from apps.events.timelines import event_row
from apps.fleet.models import Region
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance
from apps.instances.usage import limits
from apps.marketplace import services as marketplace
from apps.operations.models import Operation
from apps.operations.pipelines import title_of
from apps.portal.charts import Stat
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step

TONES = {
    Instance.Status.ACTIVE: "ok",
    Instance.Status.DEPLOYING: "info",
    Instance.Status.PENDING: "info",
    Instance.Status.FAILED: "bad",
    Instance.Status.SUSPENDED: "warn",
}
# Every operation has an event of what it changed, and people come and go all day.
_IS_ROUTINE = Q(type__startswith="operation.") | Q(type="user.signed_in")
_EVENTS = 8


@on_admin_home("console")
def console_home(request: HttpRequest) -> dict[str, Any]:
    """Is everything well, the instances, what needs somebody, and the first steps."""
    user = request.user
    if not may(user, "instances.view"):
        return {}
    rows = list(narrow(user, Instance.objects.exclude(status=Instance.Status.ARCHIVED)))
    needs = _needs(rows)
    can_install = may(user, "instances.install")
    catalogue = reverse("admin:instances_catalogue")
    return {
        "headline": _headline(rows, needs),
        "instances": instance_rows(rows),
        "shows_instances": True,
        "needs": needs,
        "stats": [_stat(rows)] if rows else [],
        # Who is limited to some instances sees no more than these.
        "limits": [] if is_limited(user) else limits(len(rows)),
        "checklist": _steps(user, rows, catalogue if can_install else ""),
        "deploy_url": catalogue if can_install else "",
    }


@on_admin_home("console")
def console_operations(request: HttpRequest) -> dict[str, Any]:
    """What runs for an instance now."""
    if not may(request.user, "operations.view"):
        return {}
    running = narrow(request.user, Operation.objects.filter(status__in=Operation.ACTIVE))
    return {"operations": [_operation_row(row) for row in running.prefetch_related("steps")]}


@on_admin_home("console")
def console_events(request: HttpRequest) -> dict[str, Any]:
    """What happened last, for those who may see the record."""
    if not may(request.user, "record.view"):
        return {}
    happened = narrow(request.user, Event.objects.exclude(_IS_ROUTINE))[:_EVENTS]
    return {
        "events": [event_row(event) for event in happened],
        "events_url": reverse("admin:events_event_changelist"),
    }


@dataclass(frozen=True)
class Names:
    """What people call apps and regions, by key."""

    apps: Mapping[str, str]
    regions: Mapping[str, str]

    @classmethod
    def now(cls) -> "Names":
        """As they are; two queries."""
        apps = {app.key: app.title for app in marketplace.catalogue()}
        return cls(apps, dict(Region.objects.values_list("code", "name")))

    def app_of(self, row: Instance) -> str:
        """The title of an instance's app."""
        return self.apps.get(row.app, row.app)

    def region_of(self, row: Instance) -> str:
        """The name of the place where an instance runs."""
        return self.regions.get(row.region, row.region)


def instance_rows(rows: list[Instance]) -> list[dict[str, Any]]:
    """Instances as lists show them."""
    names = Names.now()
    return [instance_row(row, names) for row in rows]


def instance_row(row: Instance, names: Names) -> dict[str, Any]:
    """An instance as lists show it."""
    return {
        "name": row.name,
        "kind": names.app_of(row),
        "url": reverse("admin:instances_instance_change", args=[row.pk]),
        "status": row.get_status_display(),
        "tone": TONES.get(Instance.Status(row.status), "idle"),
        "live": row.status == Instance.Status.DEPLOYING,
        "address": host_url(row.hostname, is_workspace=True),
        "host": row.hostname,
        "release": row.release,
        "region": names.region_of(row),
        "placement": row.get_hosting_display(),
    }


def _headline(rows: list[Instance], needs: list[dict[str, Any]]) -> dict[str, str]:
    """Is everything well? What is worst comes first."""
    by = {status: [r for r in rows if r.status == status] for status in Instance.Status.values}
    for found in (by["failed"], by["deploying"] + by["pending"], by["stopped"] + by["suspended"]):
        if found:
            return _headline_of(found[0])
    if needs:
        text = _("What ran before the change that failed goes on.")
        return {
            "tone": "warn",
            "title": _("Everything runs, and something needs you"),
            "text": text,
        }
    count = len(by["active"])
    text = ngettext("Your instance answers.", "All %(count)s instances answer.", count)
    text %= {"count": count}
    return {"tone": "ok", "title": _("Everything runs"), "text": text if rows else ""}


def _headline_of(row: Instance) -> dict[str, str]:
    """What is said first of an instance that does not simply run."""
    if row.status == Instance.Status.FAILED:
        title = _("%(name)s could not be deployed") % {"name": row.name}
        text = row.status_reason or _("Open it to see the cause and to try again.")
        return {"tone": "bad", "title": title, "text": text}
    if row.status in (Instance.Status.DEPLOYING, Instance.Status.PENDING):
        title = _("%(name)s is being deployed") % {"name": row.name}
        return {"tone": "info", "title": title, "text": _("It takes a few seconds.")}
    title = _("%(what)s is %(state)s") % {
        "what": row.name,
        "state": row.get_status_display().lower(),
    }
    return {"tone": "warn", "title": title, "text": _("Everything else runs.")}


def _operation_row(operation: Operation) -> dict[str, Any]:
    steps = list(operation.steps.all())
    done = [s for s in steps if s.status in ("done", "skipped")]
    current = next((_(s.title) for s in steps if s.status not in ("done", "skipped")), "")
    return {
        "title": title_of(operation),
        "url": reverse("operation", args=[operation.uuid]),
        "progress": 100 * len(done) // max(len(steps), 1),
        "text": operation.waits_for or current,
    }


def _needs(rows: list[Instance]) -> list[dict[str, Any]]:
    """Whose last change failed, unless the headline tells it already."""
    told = Instance.Status.FAILED
    subjects = [str(row.uuid) for row in rows if row.status != told]
    newest = Operation.objects.filter(subject_id__in=subjects)
    newest = newest.order_by("subject_id", "-created_at").distinct("subject_id")
    return [
        {
            "title": _("%(title)s: it did not work") % {"title": title_of(last)},
            "text": last.cause,
            "url": reverse("operation", args=[last.uuid]),
            "tone": "bad",
        }
        for last in newest
        if last.status == Operation.Status.FAILED
    ]


def _stat(rows: list[Instance]) -> Stat:
    active = sum(row.status == Instance.Status.ACTIVE for row in rows)
    return Stat(
        _("Instances that run"),
        f"{grouped(active)} / {grouped(len(rows))}",
        note=_("of those not archived"),
        tone="bad" if any(row.status == Instance.Status.FAILED for row in rows) else "",
        url=reverse("admin:instances_instance_changelist"),
        order=10,
    )


def _steps(user: Any, rows: list[Instance], catalogue: str) -> list[Step]:
    workspace = next((row for row in rows if row.app == WORKSPACE_APP), None)
    found = _workspace_steps(workspace) if workspace and not is_limited(user) else []
    if catalogue:
        text = _("Pick one from the catalogue; it gets its own address and isolation.")
        done = Instance.objects.exclude(app=WORKSPACE_APP).exists()
        found.append(Step("second-app", _("Deploy a second app"), text, catalogue, done, order=30))
    return found


def _workspace_steps(workspace: Instance) -> list[Step]:
    opened = Event.objects.filter(type="instance.opened").exists()
    return [
        Step(
            "workspace-runs",
            _("Your workspace runs"),
            _("At %(host)s, with a certificate.") % {"host": workspace.hostname},
            reverse("admin:instances_instance_change", args=[workspace.pk]),
            workspace.status == Instance.Status.ACTIVE,
            order=10,
        ),
        Step(
            "open-workspace",
            _("Open the workspace"),
            _("You are signed in there; subscribers and plans live in it."),
            reverse("open_instance", args=[workspace.uuid]),
            opened,
            order=20,
        ),
    ]
