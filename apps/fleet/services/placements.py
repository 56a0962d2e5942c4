"""Reserving room on servers, and giving it back."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, FloatField, Q, QuerySet, Sum
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext

from apps.core.exceptions import ConflictError, NotFoundError
from apps.core.languages import grouped
from apps.fleet.addresses import SLOTS
from apps.fleet.exceptions import CapacityError, ServerUnavailableError
from apps.fleet.models import Placement, Region, Server
from apps.work.words import words

_REMEDY = gettext_lazy(
    "Ask the operator for another server, or archive an instance that is not needed."
)


@dataclass(frozen=True)
class Room:
    """Thousandths of a core, and MiB of memory and disk."""

    cpu_millis: int
    memory_mb: int
    disk_mb: int

    def lacks(self, wanted: "Room") -> list[str]:
        """What is wanted and not here, each in words."""
        texts = {
            "cpu_millis": _("%(asked)s CPU where %(free)s are free"),
            "memory_mb": _("%(asked)s MiB of memory where %(free)s are free"),
            "disk_mb": _("%(asked)s MiB of disk where %(free)s are free"),
        }
        return [
            text % {"asked": _shown(name, asked), "free": _shown(name, max(free, 0))}
            for name, text in texts.items()
            if (asked := getattr(wanted, name)) > (free := getattr(self, name))
        ]


def _shown(name: str, amount: int) -> str:
    """A part of a room for people."""
    return number_format(Decimal(amount) / 1000) if name == "cpu_millis" else grouped(amount)


@dataclass(frozen=True)
class _Claim:
    """What is to be placed."""

    instance: UUID
    deployment: int
    room: Room
    facts: dict[str, Any]

    @property
    def label(self) -> str:
        return self.facts["instance_name"] or str(self.instance)


class _FullError(Exception):
    """This server has no room; its argument says for what."""


@transaction.atomic
def reserve(
    *,
    instance: UUID,
    instance_name: str,
    schema: str,
    deployment: int,
    region: str,
    cpu_millis: int,
    memory_mb: int,
    disk_mb: int,
    operation: UUID,
) -> Placement:
    """Reserve room for a deployment, or adopt what it has reserved already.

    The first goes to the active server of the region with the least memory taken, later ones to
    the instance's own. CapacityError when there is no room, ServerUnavailableError while the
    servers in question do not answer, NotFoundError for an unknown region.
    """
    facts = {"instance_name": instance_name[:120], "schema": schema, "operation": operation}
    room = Room(cpu_millis, memory_mb, disk_mb)
    claim = _Claim(instance, deployment, room, facts)
    found = _open_one(instance, deployment)
    if found is not None:
        return found
    kept = _kept_server(instance)
    return _on_kept(claim, kept) if kept is not None else _on_any(claim, region)


@transaction.atomic
def place_on_platform(
    *, instance: UUID, instance_name: str, schema: str, deployment: int, operation: UUID
) -> Placement:
    """Place a shared workspace, which runs on the platform itself and reserves nothing."""
    facts = {"instance_name": instance_name[:120], "schema": schema, "operation": operation}
    return _create(_Claim(instance, deployment, Room(0, 0, 0), facts), server=None, slot=None)


@transaction.atomic
def activate(instance: UUID, deployment: int) -> Placement:
    """Say that a reserved deployment runs; ConflictError when its reservation is gone."""
    Placement.objects.filter(
        instance=instance, deployment=deployment, status=Placement.Status.RESERVED
    ).update(status=Placement.Status.ACTIVE, activated_at=timezone.now())
    found = _open_one(instance, deployment)
    if found is None:
        raise ConflictError(
            _(
                "Deployment %(deployment)s has no place reserved any more. Deploy the "
                "instance again."
            )
            % {"deployment": deployment}
        )
    return found


@transaction.atomic
def release(instance: UUID, deployment: int) -> bool:
    """Give back what a deployment had reserved; False when it has nothing.

    Remove its networks first when it is the instance's last: the next one may get their addresses.
    """
    freed = Placement.objects.filter(
        instance=instance, deployment=deployment, status__in=Placement.OPEN
    ).update(status=Placement.Status.RELEASED, released_at=timezone.now())
    return bool(freed)


def open_placements(instance: UUID) -> QuerySet[Placement]:
    """What an instance has reserved or runs, the newest deployment first, with the servers."""
    rows = Placement.objects.filter(instance=instance, status__in=Placement.OPEN)
    return rows.select_related("server__region").order_by("-deployment")


def taken_on(server: Server) -> Room:
    """What the open placements of a server reserve together."""
    sums = server.placements.filter(status__in=Placement.OPEN).aggregate(
        cpu_millis=Coalesce(Sum("cpu_millis"), 0),
        memory_mb=Coalesce(Sum("memory_mb"), 0),
        disk_mb=Coalesce(Sum("disk_mb"), 0),
    )
    return Room(**sums)


def _open_one(instance: UUID, deployment: int) -> Placement | None:
    return open_placements(instance).filter(deployment=deployment).first()


def _kept_server(instance: UUID) -> Server | None:
    """The server that an instance is bound to: it runs there, or its volumes lie there."""
    bound = Q(status__in=Placement.OPEN) | Q(activated_at__isnull=False)
    rows = Placement.objects.filter(bound, instance=instance, server__isnull=False)
    # What lay on a server that is lost binds to nothing any more.
    rows = rows.exclude(server__status=Server.Status.LOST)
    last = rows.select_related("server__region").order_by("-deployment", "-pk").first()
    return last.server if last else None


def _on_kept(claim: _Claim, server: Server) -> Placement:
    try:
        return _on_server(claim, server.pk)
    except _FullError as full:
        raise CapacityError(
            _(
                "%(label)s has its data on server %(server)s, which has no room for "
                "another deployment: %(full)s. %(remedy)s"
            )
            % {"label": claim.label, "server": server, "full": full, "remedy": _REMEDY}
        ) from None


def _on_any(claim: _Claim, code: str) -> Placement:
    region = Region.objects.filter(code=code).first()
    if region is None:
        raise NotFoundError(
            _("There is no region “%(code)s”. Choose another.") % {"code": code}, field="region"
        )
    reasons = []
    for pk in _candidates(region):
        try:
            return _on_server(claim, pk)
        except (ServerUnavailableError, ConflictError):
            continue
        except _FullError as full:
            reasons.append(str(full))
    raise _no_room(claim, region, reasons)


def _candidates(region: Region) -> list[int]:
    """Active servers of a region, the one with the smallest share of memory taken first."""
    taken = Coalesce(
        Sum("placements__memory_mb", filter=Q(placements__status__in=Placement.OPEN)), 0
    )
    share = Cast(taken, FloatField()) / (F("memory_mb") + 1)
    rows = region.servers.filter(status=Server.Status.ACTIVE, is_draining=False)
    return list(rows.annotate(share=share).order_by("share", "pk").values_list("pk", flat=True))


def _no_room(
    claim: _Claim, region: Region, reasons: list[str]
) -> CapacityError | ServerUnavailableError:
    away = region.servers.filter(status=Server.Status.UNREACHABLE).count()
    if not reasons and away:
        text = gettext_noop(
            "No server of region {region} answers, so {label} waits until one does."
        )
        return ServerUnavailableError(words(text, region=region, label=claim.label))
    if not reasons:
        return CapacityError(
            _(
                "Region %(region)s has no server that takes new instances. Ask the "
                "operator to add or activate one, or choose another region."
            )
            % {"region": region}
        )
    hint = f" {_away(away)}" if away else ""
    return CapacityError(
        _(
            "Region %(region)s has no room for %(label)s: the freest server lacks "
            "%(reasons)s.%(hint)s %(remedy)s"
        )
        % {
            "region": region,
            "label": claim.label,
            "reasons": reasons[0],
            "hint": hint,
            "remedy": _REMEDY,
        }
    )


def _away(count: int) -> str:
    text = ngettext(
        "%(away)s more server does not answer now.",
        "%(away)s more servers do not answer now.",
        count,
    )
    return text % {"away": count}


def _on_server(claim: _Claim, pk: int) -> Placement:
    """Reserve on one server under its lock, which falls at once when it has no room.

    So nobody ever holds two of these locks, in whatever order the servers are tried.
    """
    with transaction.atomic():
        server = Server.objects.select_for_update().get(pk=pk)
        _check_serves(server)
        taken = taken_on(server)
        free = Room(
            server.cpu_millis - taken.cpu_millis,
            server.memory_mb - taken.memory_mb,
            server.disk_mb - taken.disk_mb,
        )
        lacking = free.lacks(claim.room)
        if lacking:
            raise _FullError(get_text_list(lacking, _("and")))
        return _create(claim, server=server, slot=_slot(server, claim.instance))


def _check_serves(server: Server) -> None:
    """Raise unless the server is active; it may have changed since it was chosen."""
    if server.status == Server.Status.UNREACHABLE:
        text = gettext_noop("Server {server} does not answer now. This waits until it does.")
        raise ServerUnavailableError(words(text, server=server))
    if server.status in Server.OUT_OF_USE:
        raise ConflictError(
            _(
                "Server %(server)s is retired, and the instance's data lie on it. Ask "
                "the operator to activate it again or to move the instance."
            )
            % {"server": server}
        )


def _slot(server: Server, instance: UUID) -> int:
    """The number of the instance's networks: the one it has here, else the lowest free one."""
    rows = server.placements.filter(status__in=Placement.OPEN)
    used = dict(rows.values_list("slot", "instance"))
    own = [slot for slot, owner in used.items() if owner == instance]
    free = next((slot for slot in range(SLOTS) if slot not in used), None)
    if not own and free is None:
        raise _FullError(_("a free network, since it has %(slots)s instances") % {"slots": SLOTS})
    return own[0] if own else free  # type: ignore[return-value]  # one of them is there


def _create(claim: _Claim, *, server: Server | None, slot: int | None) -> Placement:
    """Write the row; whoever reserved for the same deployment a moment ago is adopted."""
    placement = Placement(
        instance=claim.instance,
        deployment=claim.deployment,
        server=server,
        slot=slot,
        **vars(claim.room),
        **claim.facts,
    )
    try:
        with transaction.atomic():
            placement.save(force_insert=True)
    except IntegrityError:
        found = _open_one(claim.instance, claim.deployment)
        if found is None:
            raise
        return found
    return placement
