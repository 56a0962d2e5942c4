"""Beginning an erasure once the days of grace are over."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import Error, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.languages import language_of
from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.events.actors import SYSTEM, Actor
from apps.fleet.models import Route
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy.kinds import CONSOLE, operator, schema_of
from apps.tenancy.models import Domain, Tenant
from apps.tenants.erasing.registry import instances_here
from apps.tenants.erasing.traces import Traces
from apps.tenants.models import Erasure, Impersonation, Membership, Organisation
from apps.tenants.telling import KIND as GRANT
from apps.work import services as work
from apps.work.models import Due

log = structlog.get_logger(__name__)
PIPELINE = "tenants.erase"


def begin_due_erasures() -> int:
    """Begin every erasure whose days of grace are over; returns how many."""
    closed = Organisation.Status.CLOSED
    due = Organisation.objects.filter(status=closed, erase_after__lte=timezone.now())
    begun = 0
    for pk in due.exclude(uuid__in=Erasure.objects.values("organisation")).values_list("pk"):
        try:
            begun += begin_erasure(pk[0], actor=SYSTEM) is not None
        except (DomainError, Error):
            # One that cannot begin keeps no other from it.
            log.exception("erasure_not_begun", organisation=pk[0])
    return begun


@transaction.atomic
def begin_erasure(pk: int, *, actor: Actor) -> Operation | None:
    """Begin one; None where it was taken back meanwhile, or another process began it."""
    rows = Organisation.objects.select_for_update().filter(
        pk=pk, status=Organisation.Status.CLOSED, erase_after__lte=timezone.now()
    )
    organisation = rows.first()
    if organisation is None or Erasure.objects.filter(organisation=organisation.uuid).exists():
        return None
    with operator():
        erasure = Erasure(
            organisation=organisation.uuid,
            name=organisation.name,
            slug=organisation.slug,
            asked_by=organisation.closed_by or Organisation.Side.OPERATOR,
            asked_at=organisation.closed_at or timezone.now(),
        )
        return start_erasure(erasure, traces_of_organisation(organisation), actor=actor)


def start_erasure(erasure: Erasure, traces: Traces, *, actor: Actor) -> Operation:
    """Keep what is looked for and start the operation; in the caller's transaction."""
    erasure.schemas, erasure.hosts = list(traces.schemas), list(traces.hosts)
    erasure.sealed = traces.sealed()
    erasure.save()
    # Nobody is served any more, and no grant says otherwise.
    Tenant.objects.filter(schema_name__in=traces.schemas).update(is_shut=True)
    Due.objects.filter(kind=GRANT, subject=str(erasure.organisation)).delete()
    # The event of the operation, which is about this row, is the one that tells of it.
    return operations.start(PIPELINE, subject=erasure, actor=actor)


def hasten(console: str) -> None:
    """Let the erasure of a console's organisation go on now: what it waits for has ended."""
    with operator():
        for erasure in Erasure.objects.filter(erased_at=None):
            if console in erasure.schemas:
                active = operations.active_on(erasure)
                if active is not None:
                    work.hasten(operations.KIND, str(active.uuid))


def traces_of(erasure: Erasure, tenants: Sequence[Tenant]) -> Traces:
    """What tells of tenants that belong to nobody: no person at the operator is theirs.

    Where they came from, their name and the ids of their instances may be another's, who stays;
    so may the slug be an organisation's, whose workspace lies elsewhere.
    """
    schemas = tuple(sorted(tenant.schema_name for tenant in tenants))
    uuids = [erasure.organisation, *(one.uuid for one in tenants)]
    slug = tenants[0].slug
    is_other_s = Organisation.objects.filter(slug=slug).exists()
    return Traces(
        slug=schemas[0] if is_other_s else slug,
        name=schemas[0],
        uuids=tuple(dict.fromkeys(str(one) for one in uuids)),
        schemas=schemas,
        hosts=_hosts(tenants, schemas),
        members=(),
        owner=("", "", ""),
    )


def traces_of_organisation(organisation: Organisation) -> Traces:
    """What tells of one: its tenants, and its people."""
    ids = [organisation.console_id, organisation.workspace_id]
    tenants = list(Tenant.objects.filter(pk__in=ids))
    schemas = tuple(sorted(tenant.schema_name for tenant in tenants))
    visits = Impersonation.objects.filter(organisation=organisation).values_list("uuid", flat=True)
    uuids = [organisation.uuid, *(one.uuid for one in tenants), *visits, *_instances(tenants)]
    belong = Membership.objects.filter(organisation=organisation).values("user")
    people = User.objects.filter(Q(uuid__in=belong) | Q(uuid=organisation.owner)).order_by("pk")
    owner = next((user for user in people if user.uuid == organisation.owner), None)
    zone = (owner.time_zone if owner else "") or organisation.time_zone
    return Traces(
        slug=organisation.slug,
        name=organisation.name,
        uuids=tuple(str(one) for one in uuids),
        schemas=schemas,
        hosts=_hosts(tenants, schemas),
        members=tuple((str(user.uuid), user.email) for user in people),
        owner=(organisation.email, language_of(owner), zone),
    )


def _instances(tenants: Sequence[Tenant]) -> list[UUID]:
    found: list[UUID] = []
    for tenant in tenants:
        if tenant.kind == CONSOLE:
            with schema_of(tenant.schema_name):
                found += instances_here()
    return found


def _hosts(tenants: Sequence[Tenant], schemas: Sequence[str]) -> tuple[str, ...]:
    hosts = set(Domain.objects.filter(tenant__in=tenants).values_list("domain", flat=True))
    hosts |= set(Route.objects.filter(schema__in=schemas).values_list("hostname", flat=True))
    return tuple(sorted(hosts))
