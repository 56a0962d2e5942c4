"""What instances add to the console's first page."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, CharField, Count, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Cast
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
from apps.portal.needs import first_few, need
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
# More of them are on the pages of their own.
_SHOWN, _SHOWN_RUNNING = 12, 5
_ACTIVE, _FAILED = Instance.Status.ACTIVE, Instance.Status.FAILED
_ON_THEIR_WAY = (Instance.Status.DEPLOYING, Instance.Status.PENDING)
_AT_REST = (Instance.Status.STOPPED, Instance.Status.SUSPENDED)
_URGENCY = Case(
    When(status=_FAILED, then=0),
    When(status__in=_ON_THEIR_WAY, then=1),
    When(status__in=_AT_REST, then=2),
    default=3,
)


@on_admin_home("console")
def console_home(request: HttpRequest) -> dict[str, Any]:
    """Is everything well, the instances, what needs somebody, and the first steps."""
    user = request.user
    if not may(user, "instances.view"):
        return {}
    rows = narrow(user, Instance.objects.exclude(status=Instance.Status.ARCHIVED))
    counts = Counter(dict(rows.order_by().values_list("status").annotate(Count("pk"))))
    urgent = list(rows.order_by(_URGENCY, "name")[:_SHOWN])
    needs = _needs(rows)
    can_install = may(user, "instances.install")
    catalogue = reverse("admin:instances_catalogue")
    return {
        "headline": _headline(urgent, counts[_ACTIVE], needs),
        "instances": instance_rows(urgent),
        "instances_url": reverse("admin:instances_instance_changelist"),
        "shows_instances": True,
        "needs": needs,
        "stats": [_stat(counts)] if urgent else [],
        # Who is limited to some instances sees no more than these.
        "limits": [] if is_limited(user) else limits(counts.total()),
        "checklist": _steps(user, rows, catalogue if can_install else ""),
        "deploy_url": catalogue if can_install else "",
    }


@on_admin_home("console")
def console_operations(request: HttpRequest) -> dict[str, Any]:
    """What runs for an instance now."""
    if not may(request.user, "operations.view"):
        return {}
    active = narrow(request.user, Operation.objects.filter(status__in=Operation.ACTIVE))
    running = active.prefetch_related("steps")[:_SHOWN_RUNNING]
    return {"operations": [_operation_row(row) for row in running]}


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


def _headline(urgent: list[Instance], active: int, needs: list[dict[str, Any]]) -> dict[str, str]:
    """Is everything well? What is worst comes first of the `urgent`."""
    if urgent and urgent[0].status in (_FAILED, *_ON_THEIR_WAY, *_AT_REST):
        return _headline_of(urgent[0])
    if needs:
        text = _("What ran before the change that failed goes on.")
        return {
            "tone": "warn",
            "title": _("Everything runs, and something needs you"),
            "text": text,
        }
    text = ngettext("Your instance answers.", "All %(count)s instances answer.", active)
    text %= {"count": grouped(active)}
    return {"tone": "ok", "title": _("Everything runs"), "text": text if urgent else ""}


def _headline_of(row: Instance) -> dict[str, str]:
    """What is said first of an instance that does not simply run."""
    if row.status == _FAILED:
        title = _("%(name)s could not be deployed") % {"name": row.name}
        text = row.status_reason or _("Open it to see the cause and to try again.")
        return {"tone": "bad", "title": title, "text": text}
    if row.status in _ON_THEIR_WAY:
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


def _needs(rows: QuerySet[Instance]) -> list[dict[str, Any]]:
    """Whose last change failed, unless the headline tells it already."""
    of_it = Operation.objects.filter(subject_id=Cast(OuterRef("uuid"), CharField()))
    newest = Subquery(of_it.order_by("-created_at").values("pk")[:1])
    last = rows.exclude(status=_FAILED).annotate(newest=newest).values("newest")
    failed = Operation.objects.filter(pk__in=last, status=Operation.Status.FAILED)
    listed = reverse("admin:operations_operation_changelist")

    def say(operation: Operation) -> dict[str, Any]:
        title = _("%(title)s: it did not work") % {"title": title_of(operation)}
        return need(title, operation.cause, reverse("operation", args=[operation.uuid]), "bad")

    failed = failed.order_by("subject_label", "pk")
    return first_few(failed, say, listed=f"{listed}?status__exact={Operation.Status.FAILED}")


def _stat(counts: Counter[str]) -> Stat:
    return Stat(
        _("Instances that run"),
        f"{grouped(counts[_ACTIVE])} / {grouped(counts.total())}",
        note=_("of those not archived"),
        tone="bad" if counts[_FAILED] else "",
        url=reverse("admin:instances_instance_changelist"),
        order=10,
    )


def _steps(user: Any, rows: QuerySet[Instance], catalogue: str) -> list[Step]:
    workspace = rows.filter(app=WORKSPACE_APP).first()
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
