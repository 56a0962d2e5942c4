"""Hostnames and where they lead; every change asks the edge to be rendered anew."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError, DomainError
from apps.fleet.models import Route
from dotmac.edge import EdgeError, Upstream
from dotmac.edge import Route as EdgeRoute

EDGE = "local"
_WANT = """
    INSERT INTO "public"."fleet_edgestate" AS edge (name, wanted, applied) VALUES (%s, 1, 0)
    ON CONFLICT (name) DO UPDATE SET wanted = edge.wanted + 1
    RETURNING wanted
"""


@transaction.atomic
def set_route(
    *,
    hostname: str,
    schema: str,
    instance: UUID | None,
    upstreams: list[dict[str, Any]],
    notice: str = "",
) -> Route:
    """Lead a hostname somewhere; the same as before changes nothing.

    Without upstreams and notice it leads to the platform itself. ConflictError when another
    instance has the hostname.
    """
    content = {"schema": schema, "upstreams": upstreams, "notice": notice}
    hostname = hostname.lower().rstrip(".")
    _check(hostname, upstreams, notice)
    found = _route(hostname, instance)
    if found is None or not _is(found, content):
        want_render()
        found = _route(hostname, instance)
        if found is None:
            return Route.objects.create(hostname=hostname, instance=instance, **content)
        _replace(found, content)
    return found


@transaction.atomic
def remove_route(hostname: str) -> bool:
    """Let a hostname lead nowhere; False when it does not anyway."""
    row = Route.objects.filter(hostname=hostname.lower().rstrip("."))
    if not row.exists():
        return False
    want_render()
    return bool(row.delete()[0])


def routes_of(instance: UUID) -> QuerySet[Route]:
    """The routes of an instance, by hostname."""
    return Route.objects.filter(instance=instance)


def want_render() -> int:
    """Ask for the edge to be rendered, in the transaction of the change; returns its number.

    Taken before the change itself: whoever changes routes waits here, in one order.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WANT, [EDGE])
        return int(cursor.fetchone()[0])


@transaction.atomic
def correct_upstreams(route: Route, upstreams: list[dict[str, Any]]) -> bool:
    """Replace the upstreams of a route as it was read; False when it has changed since."""
    want_render()
    return _update(route, {"upstreams": upstreams})


def _check(hostname: str, upstreams: list[dict[str, Any]], notice: str) -> None:
    """Refuse what the edge would: it is rendered as a whole."""
    try:
        edge_route(hostname, upstreams, notice)
    except EdgeError as error:
        raise DomainError(error.message, field="hostname") from error


def edge_route(hostname: str, upstreams: list[dict[str, Any]], notice: str) -> EdgeRoute:
    """A row as the edge takes it; EdgeError when it is no hostname or no URL."""
    targets = tuple(Upstream(one["url"], one.get("weight", 1)) for one in upstreams)
    mark = str(upstreams[0].get("mark", "")) if upstreams else ""
    return EdgeRoute(hostname, targets, notice=notice or None, mark=mark)


def _route(hostname: str, instance: UUID | None) -> Route | None:
    found = Route.objects.filter(hostname=hostname).first()
    if found is not None and found.instance != instance:
        raise ConflictError(
            _("The address %(hostname)s belongs to another instance. Choose another address.")
            % {"hostname": hostname},
            field="hostname",
        )
    return found


def _is(route: Route, content: Mapping[str, Any]) -> bool:
    return all(getattr(route, name) == value for name, value in content.items())


def _replace(route: Route, content: Mapping[str, Any]) -> None:
    if not _is(route, content) and not _update(route, content):
        raise ConflictError(
            _("Another change of %(hostname)s came first. Try again.")
            % {"hostname": route.hostname}
        )


def _update(route: Route, content: Mapping[str, Any]) -> bool:
    """Compare and swap on the revision."""
    won = Route.objects.filter(pk=route.pk, revision=route.revision).update(
        **content, revision=F("revision") + 1, updated_at=timezone.now()
    )
    if won:
        route.revision += 1
        for name, value in content.items():
            setattr(route, name, value)
    return bool(won)
