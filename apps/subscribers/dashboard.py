"""What a workspace's first page shows: numbers, their history, and the first steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.billing.models import Plan
from apps.core.languages import grouped
from apps.portal.charts import Chart, Series, Stat, Way, compared, level
from apps.portal.counting import ByDay, by_day, in_buckets, net
from apps.portal.ranges import Range
from apps.portal.steps import Step
from apps.subscribers.models import Service, ServiceStateChange, Subscriber

_ACTIVE, _SUSPENDED = Service.Status.ACTIVE, Service.Status.SUSPENDED
_PENDING = Service.Status.PENDING_INSTALL


@dataclass(frozen=True)
class History:
    """Services that entered and left each status, by day, from a range's first day to now."""

    entered: dict[str, ByDay]
    left: dict[str, ByDay]

    @classmethod
    def of(cls, picked: Range) -> "History":
        """Two queries, however many services there are."""
        rows = ServiceStateChange.objects.all()
        return cls(
            by_day(rows, "at", picked, group="target", is_open=True),
            by_day(rows, "at", picked, group="source", is_open=True),
        )

    def changes(self, status: str) -> ByDay:
        """How much more there are of a status, by day."""
        return net(self.entered.get(status, {}), self.left.get(status, {}))

    def before(self, status: str, now: int) -> int:
        """How many there were when the range began."""
        return now - sum(self.changes(status).values())


def tiles(stats: dict[str, Any], history: History, picked: Range) -> list[Stat]:
    """The numbers, each with what it was before where that is known."""
    people = reverse("admin:subscribers_subscriber_changelist")
    new, before = stats["new"], stats["new_before"]
    return [
        Stat(
            _("Active subscribers"),
            grouped(stats["subscribers"]["active"]),
            note=_("of %(all)s") % {"all": grouped(sum(stats["subscribers"].values()))},
            url=f"{people}?status__exact=active",
            order=10,
        ),
        compared(_("New subscribers"), new, before, picked, better="more", url=people, order=15),
        *_levels_now(stats["services"], history, picked),
    ]


def _levels_now(now: dict[str, int], history: History, picked: Range) -> Iterable[Stat]:
    owned = reverse("admin:subscribers_service_changelist")
    for status, label, better in (
        (_ACTIVE, _("Active services"), "more"),
        (_SUSPENDED, _("Suspended services"), "less"),
        (_PENDING, _("Waiting for installation"), ""),
    ):
        before = history.before(status, now[status])
        url = f"{owned}?status__exact={status}"
        yield level(label, now[status], before, picked, better=better, url=url, order=20)


def charts(
    stats: dict[str, Any], history: History, picked: Range, *, may_import: bool
) -> list[Chart]:
    """How many services there were, and how many came and went."""
    import_url = reverse("admin:subscribers_import")
    way = Way(_("Import subscribers"), import_url) if may_import else None
    return [_levels(stats, history, picked, way), _turnover(picked)]


def _levels(stats: dict[str, Any], history: History, picked: Range, way: Way | None) -> Chart:
    shown = ((_ACTIVE, "brand"), (_SUSPENDED, "warn"), (_PENDING, "idle"))
    now = stats["services"]
    series = [
        Series(str(status.label), picked.levels(now[status], history.changes(status)), tone)
        for status, tone in shown
    ]
    title = _("%(active)s services are active, %(suspended)s suspended")
    said = {"active": grouped(now[_ACTIVE]), "suspended": grouped(now[_SUSPENDED])}
    return Chart(
        "services-by-status",
        title=title % said,
        about=_("Services by status"),
        labels=picked.labels,
        series=series,
        kind="line",
        unit=_("services"),
        url=reverse("admin:subscribers_service_changelist"),
        empty=_("No service was active in this time."),
        way=way,
        order=10,
    )


def _turnover(picked: Range) -> Chart:
    """By the first activation and the end: a suspension is neither."""
    rows = Service.objects.all()
    new = in_buckets(rows, "activated_at", picked)
    gone = in_buckets(rows, "terminated_at", picked)
    said = {"new": grouped(sum(new)), "gone": grouped(sum(gone))}
    return Chart(
        "turnover",
        title=_("%(new)s services began, %(gone)s ended") % said,
        about=_("Services activated and terminated, %(per)s") % {"per": picked.per},
        labels=picked.labels,
        series=[Series(_("Began"), new, "ok"), Series(_("Ended"), gone, "bad")],
        unit=_("services"),
        url=reverse("admin:subscribers_service_changelist"),
        empty=_("No service began or ended in this time."),
        order=20,
    )


def first_steps(user: Any) -> list[Step]:
    """Those that the viewer may do."""
    found = []
    if may(user, "plans.change"):
        found.append(_plan())
    if may(user, "subscribers.transfer"):
        found.append(_import())
    if may(user, "subscribers.change"):
        found.append(_portal())
    return found


def _plan() -> Step:
    text, url = _("What you sell: a price and two speeds."), reverse("admin:billing_plan_add")
    return Step("plan", _("Create a plan"), text, url, Plan.objects.exists(), order=10)


def _import() -> Step:
    return Step(
        "subscribers",
        _("Bring your subscribers"),
        _("As a CSV file, with a dry run first, or one by one."),
        reverse("admin:subscribers_import"),
        Subscriber.objects.exists(),
        order=20,
    )


def _portal() -> Step:
    return Step(
        "portal",
        _("Let a subscriber into the portal"),
        _("Open a subscriber with an e-mail address and send an invitation."),
        reverse("admin:subscribers_subscriber_changelist"),
        Subscriber.objects.filter(user__isnull=False).exists(),
        order=30,
    )
