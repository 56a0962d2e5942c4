"""The edge, its certificates and routes, and the hosts with their disks and clocks."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from django.conf import settings
from django.db.models import Exists, F, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core.health import SOON_S, WARNING, Finding, check, problem, some, told, warning
from apps.fleet.engines import engine_of, probing_engine
from apps.fleet.leftovers import leftovers_of
from apps.fleet.models import Certificate, EdgeState, Route, Server
from apps.tenancy.kinds import WORKSPACE
from apps.tenancy.models import Domain
from dotmac.edge.probe import probe
from dotmac.engine import EngineError, EngineInfo

_EXPIRES_SOON, _EXPIRES_NOW = timedelta(days=14), timedelta(days=5)
# Between a certificate and its row.
_ROUNDED = timedelta(seconds=1)
_STALE, _NEW = timedelta(minutes=2), timedelta(minutes=15)
_SKEW_S = 5.0
_GIB = 1024**3
# Of a host's disk.
_NEARLY_FULL, _FULL = 85, 95
_LITTLE_GIB, _HARDLY_GIB = 5, 2
_DF = re.compile(r"\s(\d+)\s+\d+\s+(\d+)\s+(\d+)%")


@check("edge", _("Edge"), runbook="workspace-down", every_s=SOON_S, tells_from=WARNING)
def _edge() -> Iterator[Finding]:
    if getattr(settings, "EDGE_KIND", "traefik") != "fake":
        yield from _answers()
    late = timezone.now() - _STALE
    rows = EdgeState.objects.filter(applied__lt=F("wanted"), applied_at__lt=late)
    for name in rows.order_by("name").values_list("name", flat=True):
        yield problem(
            gettext_noop("The edge {name} lacks the newest routes for minutes."),
            gettext_noop(
                "New and changed addresses do not answer until it has them: the clock's log says"
                " why it could not write them to EDGE_DIR."
            ),
            name=name,
        )


def _answers() -> Iterator[Finding]:
    """By plain HTTP, as the certificates have a check of their own."""
    address = (settings.EDGE_ADDRESS, settings.EDGE_HTTP_PORT)
    found = probe(address, settings.BASE_DOMAIN, "/readyz", timeout_s=3, expect=range(100, 600))
    if found.status is None:
        yield problem(
            gettext_noop("The edge does not answer at {address}: {error}"),
            gettext_noop("Start Traefik; until then no page of anybody opens."),
            address=f"{address[0]}:{address[1]}",
            error=found.error,
        )
    elif found.status >= 500:
        yield problem(
            gettext_noop("Behind the edge the web does not answer ({status})."),
            gettext_noop("Start the web process, and see that it reaches the database."),
            status=found.status,
        )


@check(
    "certificates",
    _("Certificates"),
    runbook="certificate-expired",
    every_s=SOON_S,
    tells_from=WARNING,
)
def _certificates() -> Iterator[Finding]:
    now = timezone.now()
    for row in Certificate.objects.order_by("name"):
        ends = _end_of(row)
        if ends is None:
            continue
        values: dict[str, str | int] = {"name": row.name, "day": f"{ends:%Y-%m-%d}"}
        advice = gettext_noop(
            "Put a new certificate and its key in its place, then"
            " `python manage.py platform_prepare`."
        )
        found = None
        if ends <= now:
            found = problem(
                gettext_noop("The certificate {name} ended on {day}."), advice, **values
            )
        elif ends <= now + _EXPIRES_NOW:
            found = problem(gettext_noop("The certificate {name} ends on {day}."), advice, **values)
        elif ends <= now + _EXPIRES_SOON:
            found = warning(gettext_noop("The certificate {name} ends on {day}."), advice, **values)
        if found is not None:
            yield told(found) if _is_told(row, ends) else found
    lost = [row.name for row in Certificate.objects.order_by("name") if _is_lost(row)]
    if lost:
        yield problem(
            gettext_noop("The files of certificates are not there: {names}."),
            gettext_noop("Put them back where the admin's list of certificates says."),
            names=some(lost),
        )


def _end_of(row: Certificate) -> datetime | None:
    """By the file where it is here: it may have been replaced, or not."""
    try:
        found = x509.load_pem_x509_certificate(Path(row.certificate_path).read_bytes())
    except (OSError, ValueError):
        return row.expires_at
    return found.not_valid_after_utc


def _is_told(row: Certificate, ends: datetime) -> bool:
    """Whether `expiring` tells of this end in time: it goes by the row, not by the file."""
    if row.expires_at is None or row.expires_at > ends + _ROUNDED:
        return False
    return row.warn_at is not None or row.expires_at <= timezone.now()


def _is_lost(row: Certificate) -> bool:
    paths = [Path(one) for one in (row.certificate_path, row.key_path) if one]
    return any(not path.is_file() for path in paths)


@check("routes", _("Routes of the workspaces"), runbook="workspace-down")
def _routes() -> Iterator[Finding]:
    """Consoles are led by one rule for all; a workspace has a route of its own."""
    routed = Route.objects.filter(hostname=OuterRef("domain"))
    rows = Domain.objects.filter(
        tenant__kind=WORKSPACE, tenant__created_at__lt=timezone.now() - _NEW
    )
    lost = rows.filter(~Exists(routed)).order_by("domain").values_list("domain", flat=True)
    names = list(lost)
    if names:
        yield problem(
            gettext_noop("No route leads to {count} workspaces: {names}."),
            gettext_noop("Open the instance in its console and deploy it again."),
            count=len(names),
            names=some(names),
        )


@check("hosts", _("Servers"), runbook="host-away", every_s=SOON_S)
def _hosts() -> Iterator[Finding]:
    for server in _servers():
        if server.status == Server.Status.UNREACHABLE:
            yield problem(
                gettext_noop("The server {name} does not answer: {why}"),
                gettext_noop(
                    "Start it, or its engine; deployments to it wait meanwhile. If it is lost for"
                    " good, declare it lost on its page."
                ),
                name=server.name,
                why=server.status_note,
            )


@check("hosts.lost", _("Lost servers that came back"), runbook="host-away", every_s=SOON_S)
def _lost() -> Iterator[Finding]:
    """What a lost server has of before must neither serve nor be forgotten."""
    rows = Server.objects.filter(status=Server.Status.LOST).exclude(given_up=[])
    for server in rows.order_by("name"):
        if not server.is_back:
            continue
        try:
            found = leftovers_of(server, probing_engine(server))
        except EngineError:
            # It is away again, which is no news of a lost one.
            continue
        yield problem(
            gettext_noop(
                "The lost server {name} answers again. Of what was given up it has {count} things,"
                " {running} of them running: {names}."
            ),
            gettext_noop(
                "Nothing leads to them. Save what is needed of them, then remove them on the"
                " server's page “Lost for good”, or by `python manage.py lose_server {name}"
                " --clear`."
            ),
            name=server.name,
            count=len(found.names),
            running=found.running,
            names=some(found.names) if found.names else "–",
        )


@check("hosts.disk", _("Disks and clocks of the servers"), runbook="host-disk-full")
def _disks() -> Iterator[Finding]:
    for server in _servers():
        if server.status == Server.Status.UNREACHABLE:
            continue
        try:
            info = probing_engine(server).ping()
            yield from _skewed(server, info)
            yield from _full(server, info)
        except EngineError as error:
            yield warning(
                gettext_noop("The server {name} could not be asked: {error}"),
                gettext_noop("See that its engine runs; this is asked again tomorrow."),
                name=server.name,
                error=error.message,
            )


def _skewed(server: Server, info: EngineInfo) -> Iterator[Finding]:
    off = abs((datetime.now(UTC) - info.clock).total_seconds()) if info.clock else 0.0
    if off > _SKEW_S:
        yield problem(
            gettext_noop("The clock of the server {name} is {seconds} s off."),
            gettext_noop("Have it follow a time server: `timedatectl set-ntp true`."),
            name=server.name,
            seconds=round(off),
        )


def _full(server: Server, info: EngineInfo) -> Iterator[Finding]:
    used, free_gib = _used(server, info)
    text = gettext_noop("The disk of the server {name} has {gib} GiB free.")
    advice = gettext_noop("Make room: the runbook says what may go. Then no new instance fails.")
    values: dict[str, str | int] = {"name": server.name, "gib": f"{free_gib:.1f}"}
    if used >= _FULL or free_gib < _HARDLY_GIB:
        yield problem(text, advice, **values)
    elif (used >= _NEARLY_FULL and free_gib < 10 * _LITTLE_GIB) or free_gib < _LITTLE_GIB:
        yield warning(text, advice, **values)


def _used(server: Server, info: EngineInfo) -> tuple[int, float]:
    """Percent used and GiB free; by the engine's host, or by a container that runs there."""
    if info.disk_free_bytes is not None:
        return 0, info.disk_free_bytes / _GIB
    engine = engine_of(server)
    for container in engine.containers({}):
        if container.is_running and "dotmac.instance" in container.labels:
            found = _DF.search(engine.exec(container.name, ("df", "-Pk", "/"), timeout_s=5).output)
            if found:
                return int(found[3]), int(found[2]) * 1024 / _GIB
    return 0, float("inf")


def _servers() -> list[Server]:
    return list(Server.objects.exclude(status__in=Server.OUT_OF_USE).order_by("name"))
