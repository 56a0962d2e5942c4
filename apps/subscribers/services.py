"""Subscribers and their services: every change of them, with its event."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.billing.models import PlanVersion
from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Actor
from apps.events.differences import CHANGED, differences, values_of
from apps.subscribers.exceptions import TakenError, TransitionError
from apps.subscribers.models import (
    ImportRow,
    Service,
    ServiceAddress,
    ServiceStateChange,
    Subscriber,
)

_DRAW = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
_EDITABLE = {"name", "email", "phone", "external_id", "language", "metadata"}


@transaction.atomic
def create_subscriber(
    *,
    name: str,
    actor: Actor,
    number: str = "",
    status: str = Subscriber.Status.LEAD,
    address: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Subscriber:
    """A subscriber, with a number drawn when none is given; TakenError names what is taken."""
    if not name.strip():
        raise DomainError(_("A subscriber needs a name."), field="name")
    pk, drawn = draw_numbers(1)[0]
    subscriber = Subscriber(
        pk=pk, number=number or drawn, name=name.strip(), status=status, **fields
    )
    _save(subscriber)
    if address:
        ServiceAddress.objects.create(subscriber=subscriber, **address)
    facts = _facts_of_new(subscriber)
    events.record("subscriber.created", actor=actor, subject=subscriber, data=facts)
    return subscriber


def tell_created(made: Iterable[Subscriber], *, actor: Actor) -> None:
    """Write the event of each of many who were just written."""
    told = [(one, _facts_of_new(one)) for one in made]
    events.record_many("subscriber.created", told, actor=actor)


def _facts_of_new(subscriber: Subscriber) -> dict[str, Any]:
    return {"number": subscriber.number, "status": subscriber.status}


@transaction.atomic
def update_subscriber(subscriber: Subscriber, *, actor: Actor, **fields: Any) -> Subscriber:
    """Change name, e-mail, telephone, reference or language; TakenError names what is taken."""
    unknown = set(fields) - _EDITABLE
    if unknown:
        raise TypeError(f"update_subscriber() does not change {', '.join(sorted(unknown))}.")
    current = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    changed = {name: value for name, value in fields.items() if getattr(current, name) != value}
    for name, value in changed.items():
        setattr(subscriber, name, value)
    if changed:
        _save(subscriber, list(changed))
        facts = {CHANGED: differences(values_of(current, changed), changed)}
        events.record("subscriber.updated", actor=actor, subject=subscriber, data=facts)
    return subscriber


@transaction.atomic
def ensure_address(subscriber: Subscriber, *, actor: Actor, **fields: str) -> ServiceAddress | None:
    """The subscriber's address of these words, made if there is none; None if all are empty."""
    if not any(fields.get(name) for name in ("street", "postcode", "city")):
        return None
    Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    found = ServiceAddress.objects.filter(subscriber=subscriber, **fields).first()
    if found is None:
        found = ServiceAddress.objects.create(subscriber=subscriber, **fields)
        facts = {"address": str(found)}
        events.record("subscriber.address_added", actor=actor, subject=subscriber, data=facts)
    return found


@transaction.atomic
def archive_subscriber(subscriber: Subscriber, *, actor: Actor) -> None:
    """Put away somebody without open services; TransitionError while one is open."""
    if _open_services(subscriber):
        raise TransitionError(
            _(
                "%(subscriber)s still has a service. Terminate it first, then archive "
                "the subscriber."
            )
            % {"subscriber": subscriber}
        )
    if subscriber.status == Subscriber.Status.ACTIVE:
        subscriber.move_to(Subscriber.Status.INACTIVE)
    subscriber.move_to(Subscriber.Status.ARCHIVED)
    events.record("subscriber.archived", actor=actor, subject=subscriber)


@transaction.atomic
def restore_subscriber(subscriber: Subscriber, *, actor: Actor) -> None:
    """Take an archived subscriber out again, as inactive."""
    subscriber.move_to(Subscriber.Status.INACTIVE)
    events.record("subscriber.restored", actor=actor, subject=subscriber)


@transaction.atomic
def add_service(
    subscriber: Subscriber,
    *,
    plan_version: PlanVersion,
    actor: Actor,
    username: str = "",
    address: ServiceAddress | None = None,
) -> Service:
    """A service as a draft; TakenError when the user name belongs to another one."""
    if subscriber.status == Subscriber.Status.ARCHIVED:
        raise TransitionError(
            _("%(subscriber)s is archived. Restore the subscriber first.")
            % {"subscriber": subscriber}
        )
    if address and address.subscriber_id != subscriber.pk:
        raise DomainError(_("The address belongs to another subscriber."), field="address")
    service = Service(
        subscriber=subscriber, plan_version=plan_version, username=username, address=address
    )
    try:
        with transaction.atomic():
            service.save(force_insert=True)
    except IntegrityError as error:
        raise TakenError(
            _("The user name “%(username)s” belongs to another service. Choose another one.")
            % {"username": username},
            field="username",
        ) from error
    ServiceStateChange.objects.create(service=service, target=service.status, actor=actor.label)
    events.record("service.created", actor=actor, subject=service, data=facts_of(service))
    return service


def facts_of(service: Service) -> dict[str, Any]:
    """What the event of a new service tells."""
    facts = {"plan_version": str(service.plan_version.uuid), "username": service.username}
    is_draft = service.status == Service.Status.DRAFT
    return facts if is_draft else {**facts, "status": service.status}


@transaction.atomic
def schedule_installation(service: Service, *, actor: Actor) -> None:
    """A draft was ordered: it waits for its installation."""
    _change(service, Service.Status.PENDING_INSTALL, "service.ordered", actor=actor)


@transaction.atomic
def activate_service(service: Service, *, actor: Actor) -> None:
    """Begin to deliver a service; its subscriber becomes active with it."""
    if service.status == Service.Status.SUSPENDED:
        raise TransitionError(
            _("%(service)s is suspended. Resume it instead.") % {"service": service}
        )
    now = timezone.now()
    _change(service, Service.Status.ACTIVE, "service.activated", actor=actor, activated_at=now)
    subscriber = service.subscriber
    rows = Subscriber.objects.filter(
        pk=subscriber.pk, status__in=Subscriber.SOURCES[Subscriber.Status.ACTIVE]
    )
    if rows.update(status=Subscriber.Status.ACTIVE):
        subscriber.status = Subscriber.Status.ACTIVE
        events.record("subscriber.activated", actor=actor, subject=subscriber)


@transaction.atomic
def suspend_service(service: Service, *, reason: str, actor: Actor) -> None:
    """Stop delivering a service and keep it, for one of Service.Suspension."""
    if reason not in Service.Suspension.values:
        raise DomainError(
            _("“%(reason)s” is no reason to suspend a service.") % {"reason": reason},
            field="reason",
        )
    now = timezone.now()
    _change(
        service,
        Service.Status.SUSPENDED,
        "service.suspended",
        actor=actor,
        reason=reason,
        suspension=reason,
        suspended_at=now,
    )


@transaction.atomic
def resume_service(service: Service, *, actor: Actor) -> None:
    """Deliver a suspended service again."""
    if service.status != Service.Status.SUSPENDED:
        raise TransitionError(_("%(service)s is not suspended.") % {"service": service})
    _change(
        service,
        Service.Status.ACTIVE,
        "service.resumed",
        actor=actor,
        suspension="",
        suspended_at=None,
    )


@transaction.atomic
def terminate_service(service: Service, *, actor: Actor, reason: str = "") -> None:
    """End a service for good; a subscriber whose last one it was becomes inactive."""
    _change(
        service,
        Service.Status.TERMINATED,
        "service.terminated",
        actor=actor,
        reason=reason,
        suspension="",
        terminated_at=timezone.now(),
    )
    subscriber = service.subscriber
    if _open_services(subscriber):
        return
    rows = Subscriber.objects.filter(pk=subscriber.pk, status=Subscriber.Status.ACTIVE)
    if rows.update(status=Subscriber.Status.INACTIVE):
        subscriber.status = Subscriber.Status.INACTIVE
        events.record("subscriber.deactivated", actor=actor, subject=subscriber)


def active_subscribers() -> int:
    """Subscribers with at least one active service: what the platform's plans are measured by."""
    return Service.objects.active().values("subscriber_id").distinct().count()


def draw_numbers(
    count: int, *, unless_in: QuerySet[ImportRow] | None = None
) -> list[tuple[int, str]]:
    """Fresh ids with numbers that no subscriber has, given out once and never again."""
    drawn: list[tuple[int, str]] = []
    while len(drawn) < count:
        with connection.cursor() as cursor:
            cursor.execute(_DRAW, [Subscriber._meta.db_table, count - len(drawn)])
            numbers = {f"S-{pk:06d}": pk for (pk,) in cursor.fetchall()}
        # A list brought from elsewhere may use numbers of the same form.
        for rows in (Subscriber.objects.all(), unless_in):
            if rows is not None:
                taken = set(rows.filter(number__in=list(numbers)).values_list("number", flat=True))
                numbers = {n: pk for n, pk in numbers.items() if n not in taken}
        drawn += [(pk, number) for number, pk in numbers.items()]
    return sorted(drawn)


def _change(
    service: Service, target: str, event: str, *, actor: Actor, reason: str = "", **values: Any
) -> None:
    """One step of a service's life, with its trace; TransitionError from a wrong status."""
    source = Service.objects.select_for_update().values_list("status", flat=True).get(pk=service.pk)
    service.move_to(target, **values)
    ServiceStateChange.objects.create(
        service=service, source=source, target=target, reason=reason, actor=actor.label
    )
    facts = {"from": source, "to": target, "reason": reason}
    events.record(event, actor=actor, subject=service, data=facts)


def _open_services(subscriber: Subscriber) -> bool:
    services = Service.objects.filter(subscriber_id=subscriber.pk)
    return services.exclude(status=Service.Status.TERMINATED).exists()


def _save(subscriber: Subscriber, fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            subscriber.save(force_insert=fields is None, update_fields=fields)
    except IntegrityError as error:
        raise _taken(subscriber) from error


def _taken(subscriber: Subscriber) -> TakenError:
    others = Subscriber.objects.exclude(pk=subscriber.pk)
    if others.filter(number=subscriber.number).exists():
        message = _("The number %(number)s belongs to another subscriber.") % {
            "number": subscriber.number
        }
        return TakenError(
            _("%(message)s Leave it empty to draw one.") % {"message": message}, field="number"
        )
    message = _("The reference “%(external_id)s” belongs to another subscriber.") % {
        "external_id": subscriber.external_id
    }
    return TakenError(
        _("%(message)s Look them up, or leave it empty.") % {"message": message},
        field="external_id",
    )
