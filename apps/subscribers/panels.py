"""What subscribers add to pages of lower apps: the workspace's home, the portal, the meters."""

from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.accounts.access import is_limited, may, narrow
from apps.contract.registry import meter
from apps.contract.services import held_grant
from apps.core.languages import grouped
from apps.events.models import Event
from apps.portal.charts import Limit
from apps.portal.ranges import Range, range_of
from apps.portal.registry import on_admin_home, page, panel
from apps.subscribers import services
from apps.subscribers.dashboard import History, charts, first_steps, tiles
from apps.subscribers.models import Service, Subscriber
from apps.subscribers.portal import portal_services
from apps.subscribers.revenue import charts as revenue_charts
from apps.subscribers.revenue import monthly_minor, revenue_by_plan
from apps.subscribers.revenue import tiles as revenue_tiles
from apps.subscribers.timeline import event_row

_EVENTS = 8
_PLANS = 6
panel("services", order=10)(portal_services)
page("portal_account", gettext_lazy("Account"), icon="circle-user", order=90)


@meter("active_subscribers")
def _active_subscribers() -> int:
    """Subscribers with at least one active service at the time of counting."""
    return services.active_subscribers()


def home_stats(picked: Range) -> dict[str, Any]:
    """Subscribers by status, services by status, and who is new in a range and the one before."""
    people = Subscriber.objects.aggregate(
        **{status: Count("pk", filter=Q(status=status)) for status in Subscriber.Status.values},
        new=_within(picked),
        new_before=_within(picked.before),
    )
    return {
        "subscribers": {status: people[status] for status in Subscriber.Status.values},
        "services": _by_status(Service.objects.all()),
        "new": people["new"],
        "new_before": people["new_before"],
    }


@on_admin_home("workspace")
def workspace_home(request: HttpRequest) -> dict[str, Any]:
    """The first page of an ISP's staff."""
    user = request.user
    if not may(user, "subscribers.view") or is_limited(user):
        return {"checklist": first_steps(user)}
    revenue = revenue_by_plan() if may(user, "plans.view") else None
    picked = range_of(request)
    stats = home_stats(picked)
    history = History.of(picked)
    allowed = held_grant().limits.get("max_subscribers") or 0
    used = services.active_subscribers() if allowed else 0
    active = stats["services"]["active"]
    return {
        "headline": _headline(stats),
        "stats": [
            *tiles(stats, history, picked),
            *(() if revenue is None else revenue_tiles(monthly_minor(revenue))),
        ],
        "charts": [
            *charts(stats, history, picked, may_import=may(user, "subscribers.transfer")),
            *revenue_charts(revenue or ()),
        ],
        "limits": _limits(used, allowed),
        "needs": [*_over_limit(used, allowed), *_waiting(stats)],
        "checklist": first_steps(user),
        "plans": plans_by_services(active) if may(user, "plans.view") else [],
        "plans_url": reverse("admin:billing_plan_changelist") if may(user, "plans.view") else "",
        **_events(user),
    }


def _events(user: Any) -> dict[str, Any]:
    if not may(user, "record.view"):
        return {}
    happened = narrow(user, Event.objects.exclude(type__startswith="operation."))
    return {
        "events": [event_row(event) for event in happened[:_EVENTS]],
        "events_url": reverse("admin:events_event_changelist"),
    }


def _limits(used: int, allowed: int) -> list[Limit]:
    if not allowed:
        return []
    said = {"used": grouped(used), "allowed": grouped(allowed)}
    text = _("%(used)s of %(allowed)s") % said
    return [Limit(_("Subscribers with an active service"), used, allowed, text)]


def plans_by_services(active: int) -> list[dict[str, Any]]:
    """The plans with the most active services; `share` is the percentage of all the `active`."""
    counted = (
        Service.objects.active()
        .order_by()
        .values(plan=F("plan_version__plan"))
        # Grouped by the number alone: names of ten thousand rows are slow to compare.
        .annotate(count=Count("pk"), name=Max("plan_version__plan__name"))
        .order_by("-count", "name")[:_PLANS]
    )
    owned = reverse("admin:subscribers_service_changelist")
    return [
        {
            "name": row["name"],
            "count": row["count"],
            "share": round(100 * row["count"] / max(active, 1)),
            "url": f"{owned}?status__exact=active&plan_version__plan__id__exact={row['plan']}",
        }
        for row in counted
    ]


def _within(picked: Range) -> Count:
    return Count("pk", filter=Q(created_at__gte=picked.since, created_at__lt=picked.until))


def _by_status(rows: QuerySet[Service]) -> dict[str, int]:
    counted = dict(rows.order_by().values_list("status").annotate(Count("pk")))
    return {status: counted.get(status, 0) for status in Service.Status.values}


def _headline(stats: dict[str, Any]) -> dict[str, str]:
    active = stats["services"]["active"]
    if not any(stats["subscribers"].values()):
        return {
            "tone": "info",
            "title": _("Welcome. Nobody is here yet."),
            "text": _("Begin with your plans, then bring your subscribers."),
        }
    title = ngettext("%(count)s service is active", "%(count)s services are active", active)
    return {"tone": "ok", "title": title % {"count": grouped(active)}, "text": ""}


def _over_limit(used: int, allowed: int) -> list[dict[str, Any]]:
    """A note for the owner; nobody is cut off for being one too many."""
    if used <= allowed:
        return []
    return [
        {
            "title": _("More subscribers than your plan holds"),
            "text": _(
                "%(active)s have an active service; the plan holds %(limit)s. Everyone stays"
                " served. Choose a larger plan in the console."
            )
            % {"active": grouped(used), "limit": grouped(allowed)},
            "url": "",
            "done": False,
        }
    ]


def _waiting(stats: dict[str, Any]) -> list[dict[str, Any]]:
    """Services that somebody must do something about."""
    by, owned = stats["services"], reverse("admin:subscribers_service_changelist")
    pending, drafts = by["pending_install"], by["draft"]
    found = [
        (
            "pending_install",
            pending,
            ngettext("%d installation to be done", "%d installations to be done", pending),
            _("Activate each service once it is installed."),
        ),
        (
            "draft",
            drafts,
            ngettext("%d draft to be ordered", "%d drafts to be ordered", drafts),
            _("A draft is not delivered, and the subscriber does not see it."),
        ),
    ]
    return [
        {
            "title": title % count,
            "text": text,
            "url": f"{owned}?status__exact={status}",
            "done": False,
        }
        for status, count, title, text in found
        if count
    ]
