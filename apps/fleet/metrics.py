"""What is told of servers, what is reserved on them, routes, certificates and the edge."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, Sum
from django.utils import timezone

from apps.core.telemetry.readings import Measure, Sample, reads
from apps.fleet.models import Certificate, EdgeState, Placement, Route, Server

_SERVERS = Measure("dotmac_servers", "Servers, by what the last probes found.", ("status",))
_CAPACITY = Measure(
    "dotmac_servers_capacity",
    "What placements may reserve on servers in use: thousandths of a core, MiB.",
    ("resource",),
)
_RESERVED = Measure(
    "dotmac_servers_reserved", "What of this is reserved by placements.", ("resource",)
)
_PLACEMENTS = Measure("dotmac_placements", "Deployments with a place, by status.", ("status",))
_ROUTES = Measure("dotmac_routes", "Hostnames, by what the edge shows there.", ("shows",))
_BEHIND = Measure("dotmac_edge_revisions_behind", "Changes of routes that the edge does not have.")
_CERTIFICATES = Measure("dotmac_certificates", "Certificates that the edge serves.")
_DAYS_LEFT = Measure(
    "dotmac_certificate_days_left", "Days until the first certificate is over; negative after that."
)
_RESOURCES = ("cpu_millis", "memory_mb", "disk_mb")
_NOTICES = ("served", "deploying", "stopped", "suspended", "archived")


@reads("fleet", _SERVERS, _CAPACITY, _RESERVED, _PLACEMENTS)
def _servers() -> Iterator[Sample]:
    statuses = Counter(Server.objects.order_by().values_list("status", flat=True))
    yield from ((_SERVERS, statuses[one], (one,)) for one in Server.Status.values)
    sums = {name: Sum(name) for name in _RESOURCES}
    in_use = Server.objects.exclude(status__in=Server.OUT_OF_USE).aggregate(**sums)
    placed = Placement.objects.filter(status__in=Placement.OPEN, server__isnull=False)
    for measure, found in ((_CAPACITY, in_use), (_RESERVED, placed.aggregate(**sums))):
        yield from ((measure, found[name] or 0, (name,)) for name in _RESOURCES)
    open_ones = Placement.objects.filter(status__in=Placement.OPEN).order_by()
    counts = dict(open_ones.values_list("status").annotate(Count("pk")))
    yield from ((_PLACEMENTS, counts.get(one, 0), (one,)) for one in Placement.OPEN)


@reads("edge", _ROUTES, _BEHIND, _CERTIFICATES, _DAYS_LEFT)
def _edge() -> Iterator[Sample]:
    shown = dict.fromkeys(_NOTICES, 0)
    for notice, count in Route.objects.order_by().values_list("notice").annotate(Count("pk")):
        shown[notice if notice in shown else "served"] += count
    yield from ((_ROUTES, count, (one,)) for one, count in shown.items())
    state = EdgeState.objects.order_by("pk").first()
    yield _BEHIND, state.wanted - state.applied if state else 0, ()
    yield from _certificates()


def _certificates() -> Iterator[Sample]:
    dated = Certificate.objects.filter(expires_at__isnull=False)
    yield _CERTIFICATES, Certificate.objects.count(), ()
    first = dated.order_by("expires_at").first()
    if first is not None and first.expires_at is not None:
        yield _DAYS_LEFT, (first.expires_at - timezone.now()).total_seconds() / 86_400, ()
