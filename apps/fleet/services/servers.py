"""Servers: what probes found, what the operator wants of them, and the one of this machine."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor
from apps.fleet.addresses import free_prefix
from apps.fleet.engines import away_prefix, local_engine
from apps.fleet.models import Placement, Region, Server
from apps.fleet.services.placements import Room
from apps.operations.services import KIND
from apps.tenancy.kinds import operator, schema_of
from apps.work import services as work
from apps.work.models import Due
from dotmac.engine import EngineInfo

_MIB = 2**20
_LOCAL = "local"
# The platform itself needs memory too: on a small machine a fifth of it, never over 2 GiB.
_PLATFORM_MB = 2048
# Stacks are idle most of the time.


def note_answer(server: Server, version: str) -> bool:
    """Record that a server answered a probe; True when it had been unreachable."""
    now = timezone.now()
    seen = {"last_probe_at": now, "last_seen_at": now, "engine_version": version[:40]}
    with operator(), transaction.atomic():
        is_back = _is_back(server)
        if not _probed(server).update(**seen, failed_probes=0, failing_since=None, status_note=""):
            return False
        recovered = _move(server, Server.Status.UNREACHABLE, Server.Status.ACTIVE)
        if recovered or is_back:
            kind = "server.recovered" if recovered else "server.returned"
            events.record(kind, actor=SYSTEM, subject=server, data=_outage(server, now))
    if recovered or is_back:
        hasten_waiting(server)
    return recovered


def note_silence(server: Server, error: str) -> bool:
    """Record that a server did not answer a probe; True when it counts as unreachable now."""
    now = timezone.now()
    with operator(), transaction.atomic():
        if not _probed(server).update(
            last_probe_at=now,
            failed_probes=F("failed_probes") + 1,
            failing_since=Coalesce("failing_since", now),
            status_note=error[:300],
        ):
            return False
        lost = _move(
            server,
            Server.Status.ACTIVE,
            Server.Status.UNREACHABLE,
            failed_probes__gte=Server.PROBES_TO_UNREACHABLE,
        )
        if lost:
            events.record(
                "server.unreachable", actor=SYSTEM, subject=server, data={"error": error[:300]}
            )
    return lost


def hasten_waiting(server: Server) -> int:
    """Wake the operations, in whatever schema, that wait for a server; returns how many."""
    reasons = Q(reason__startswith=away_prefix(server)) | Q(
        reason__startswith=f"No server of region {server.region} answers"
    )
    rows = Due.objects.filter(reasons, kind=KIND, state=Due.State.WAITING)
    waiting = list(rows.values_list("schema", "subject"))
    for schema, subject in waiting:
        with schema_of(schema), transaction.atomic():
            work.hasten(KIND, subject)
    return len(waiting)


@transaction.atomic
def drain(server: Server, *, actor: Actor) -> None:
    """Take no new instances on a server, and keep those that it has."""
    changed = Server.objects.filter(pk=server.pk, is_draining=False).update(is_draining=True)
    if not changed:
        raise ConflictError(_("Server %(server)s is draining already.") % {"server": server})
    events.record("server.draining", actor=actor, subject=server)


@transaction.atomic
def activate_server(server: Server, *, actor: Actor) -> None:
    """Take new instances on a server again, also on a retired one."""
    rows = Server.objects.filter(pk=server.pk)
    changed = rows.filter(Q(is_draining=True) | Q(status__in=Server.OUT_OF_USE))
    _refuse_leftovers(server)
    if not changed.update(is_draining=False):
        raise ConflictError(
            _("Server %(server)s takes new instances already.") % {"server": server}
        )
    _move(server, Server.Status.RETIRED, Server.Status.ACTIVE)
    lost = rows.filter(status=Server.Status.LOST)
    lost.update(status=Server.Status.ACTIVE, lost_at=None, lost_reason="")
    events.record("server.activated", actor=actor, subject=server)


@transaction.atomic
def retire(server: Server, *, actor: Actor) -> None:
    """Use a server no more; ConflictError while something is placed on it."""
    _refuse_leftovers(server)
    left = server.placements.filter(status__in=Placement.OPEN).count()
    if left:
        text = ngettext(
            "Server %(server)s still has %(left)s placement. Drain it, and move or archive it.",
            "Server %(server)s still has %(left)s placements. Drain it, and move or archive them.",
            left,
        )
        raise ConflictError(text % {"server": server, "left": left})
    rows = Server.objects.filter(pk=server.pk).exclude(status=Server.Status.RETIRED)
    if not rows.update(status=Server.Status.RETIRED):
        raise ConflictError(_("Server %(server)s is retired already.") % {"server": server})
    events.record("server.retired", actor=actor, subject=server)


@transaction.atomic
def ensure_local_region() -> Region:
    """The region of this machine, made when it is missing: shared workspaces need one."""
    return Region.objects.get_or_create(code=_LOCAL, defaults={"name": "This machine"})[0]


def register_local_server() -> Server:
    """The server of this machine, made when it is missing; EngineError without an engine.

    What the operator has changed of it stays.
    """
    engine = local_engine(settings.DOCKER_HOST)
    info = engine.ping()
    room = local_room(info)
    prefix = settings.LOCAL_ADDRESS_PREFIX or free_prefix(engine)
    with operator(), transaction.atomic():
        server, is_new = Server.objects.get_or_create(
            name=_LOCAL,
            defaults={
                "region": ensure_local_region(),
                "engine_url": settings.DOCKER_HOST,
                "engine_version": info.version[:40],
                "last_seen_at": timezone.now(),
                "address_prefix": prefix,
                **vars(room),
            },
        )
        if is_new:
            events.record("server.added", actor=SYSTEM, subject=server, data=vars(room))
    return server


def local_room(info: EngineInfo) -> Room:
    """What may be reserved on the machine that the platform runs on as well."""
    memory_mb = info.memory_bytes // _MIB
    free_mb = (info.disk_free_bytes or 0) // _MIB
    return Room(
        cpu_millis=info.cpus * 1000 * settings.LOCAL_CPU_OVERSELL,
        memory_mb=max(memory_mb - _PLATFORM_MB, memory_mb * 4 // 5),
        disk_mb=free_mb * 9 // 10,
    )


def _refuse_leftovers(server: Server) -> None:
    """ConflictError while a lost server may still have what it had; it stays locked."""
    row = Server.objects.select_for_update().get(pk=server.pk)
    if row.given_up:
        raise ConflictError(
            _(
                "Server %(server)s is lost, and what lay on it is not removed. Once it answers, "
                "remove its leftovers; then it can be activated or retired."
            )
            % {"server": server}
        )


def _is_back(server: Server) -> bool:
    """Whether a lost server answers after an outage; one lost answer is none."""
    return (
        _probed(server)
        .filter(status=Server.Status.LOST, failed_probes__gte=Server.PROBES_TO_UNREACHABLE)
        .exists()
    )


def _probed(server: Server) -> QuerySet[Server]:
    """The row unless another probe came between: two at the same moment count once."""
    return Server.objects.filter(pk=server.pk, last_probe_at=server.last_probe_at)


def _move(server: Server, source: str, target: str, **conditions: object) -> bool:
    return bool(
        Server.objects.filter(pk=server.pk, status=source, **conditions).update(status=target)
    )


def _outage(server: Server, now: datetime) -> dict[str, object]:
    since = server.failing_since or now
    return {"since": since.isoformat(), "seconds": round((now - since).total_seconds())}
