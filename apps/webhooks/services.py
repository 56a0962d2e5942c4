"""Writes about endpoints, and what is to be delivered to them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Actor
from apps.events.differences import CHANGED, differences
from apps.events.envelopes import envelope
from apps.events.models import Event
from apps.webhooks.exceptions import EndpointAddressError, EndpointOffError
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.secrets import encrypted
from apps.work import services as work
from apps.work.words import words
from dotmac.crypto.secret import Secret
from dotmac.net import OutOfReachError, Reach
from dotmac.webhooks import new_secret
from dotmac.webhooks.sending import check_url

KIND = "webhook"
TEST = "webhook.test"
# The secret of before signs too for so long after a rotation.
ROTATION = timedelta(hours=24)
# Deliveries are kept, and events can be sent again, for so long.
KEPT = timedelta(days=30)
MOST_REPLAYED = 10_000
REPLAYED_AT_ONCE = 500
_COUNTING = "SELECT pg_advisory_xact_lock(hashtext('webhooks'), hashtext(current_schema()))"
MOST_ENDPOINTS = 20


@transaction.atomic
def create_endpoint(
    *, url: str, actor: Actor, description: str = "", types: Iterable[str] = ()
) -> tuple[Endpoint, Secret]:
    """An endpoint and its secret, which is not shown again; EndpointAddressError."""
    check_address(url)
    with connection.cursor() as cursor:
        # Two at once would each count one too few.
        cursor.execute(_COUNTING)
    if Endpoint.objects.count() >= MOST_ENDPOINTS:
        raise DomainError(
            _("There are %(most)s webhooks already. Remove one first.") % {"most": MOST_ENDPOINTS}
        )
    secret = new_secret()
    endpoint = Endpoint.objects.create(
        url=url, description=description, types=list(types), secret=encrypted(secret)
    )
    events.record("webhook.created", actor=actor, subject=endpoint, data=_said(endpoint))
    return endpoint, secret


@transaction.atomic
def update_endpoint(endpoint: Endpoint, *, actor: Actor, **fields: Any) -> None:
    """Change address, description or types; EndpointAddressError."""
    if "url" in fields:
        check_address(fields["url"])
    before = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    for name, value in fields.items():
        setattr(endpoint, name, value)
    Endpoint.objects.filter(pk=endpoint.pk).update(**fields)
    said = _said(endpoint)
    # A path may be a password, so it is not told.
    changed = {"address_changed": endpoint.url != before.url}
    data = {**said, **changed, CHANGED: differences(_said(before), said)}
    events.record("webhook.changed", actor=actor, subject=endpoint, data=data)


@transaction.atomic
def rotate_secret(endpoint: Endpoint, *, actor: Actor) -> Secret:
    """A new secret; the present one signs beside it for a day, that receivers can change over."""
    row = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    secret = new_secret()
    Endpoint.objects.filter(pk=row.pk).update(
        secret=encrypted(secret),
        old_secret=row.secret,
        old_secret_until=timezone.now() + ROTATION,
    )
    events.record("webhook.secret_rotated", actor=actor, subject=endpoint)
    return secret


@transaction.atomic
def pause_endpoint(endpoint: Endpoint, *, actor: Actor) -> None:
    """Send nothing more; what happens meanwhile is not kept for it, but can be replayed."""
    rows = Endpoint.objects.filter(pk=endpoint.pk, status=Endpoint.Status.ACTIVE)
    if rows.update(status=Endpoint.Status.PAUSED):
        events.record("webhook.paused", actor=actor, subject=endpoint)
    endpoint.refresh_from_db()


@transaction.atomic
def resume_endpoint(endpoint: Endpoint, *, actor: Actor) -> None:
    """Send again, from now on and what waited."""
    rows = Endpoint.objects.filter(pk=endpoint.pk).exclude(status=Endpoint.Status.ACTIVE)
    fresh = {"failures": 0, "failing_since": None, "rests_until": None}
    if rows.update(status=Endpoint.Status.ACTIVE, **fresh):
        events.record("webhook.resumed", actor=actor, subject=endpoint)
        _call(endpoint)
    endpoint.refresh_from_db()


@transaction.atomic
def remove_endpoint(endpoint: Endpoint, *, actor: Actor) -> None:
    """Take an endpoint away with its deliveries."""
    # Locked as everybody does, before its deliveries.
    Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    events.record("webhook.removed", actor=actor, subject=endpoint, data=_said(endpoint))
    endpoint.delete()


@transaction.atomic
def send_test(endpoint: Endpoint, *, actor: Actor) -> Delivery:
    """Have a test event delivered, as a real one would be; EndpointOffError."""
    row = _active(endpoint)
    now = timezone.now()
    uuid = uuid4()
    about = {"type": "endpoint", "id": str(endpoint.uuid), "label": str(endpoint)}
    body = {
        "id": str(uuid),
        "type": TEST,
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "sequence": None,
        "actor": {"type": actor.kind, "id": actor.id, "label": actor.label},
        "subject": about,
        "data": {"message": "This is a test."},
    }
    delivery = Delivery.objects.create(
        endpoint=row, event=uuid, type=TEST, test_body=body, due_at=now, created_at=now
    )
    Endpoint.objects.filter(pk=row.pk).update(rests_until=None)
    _call(endpoint)
    return delivery


@transaction.atomic
def replay(delivery: Delivery, *, actor: Actor) -> None:
    """Send a delivery again, whatever became of it; EndpointOffError."""
    endpoint = _active(delivery.endpoint)
    _again(endpoint, [delivery.event])
    events.record(
        "webhook.replayed", actor=actor, subject=endpoint, data={"event": str(delivery.event)}
    )
    _call(endpoint)


@transaction.atomic
def replay_since(endpoint: Endpoint, since: datetime, *, actor: Actor) -> int:
    """Have every event since a time sent again that the endpoint asked for; returns how many.

    At most MOST_REPLAYED, the oldest first, of the last 30 days; EndpointOffError. The runner puts
    them in the queue some at a time, so that nobody waits for the endpoint's row meanwhile.
    """
    begin = max(since, timezone.now() - KEPT)
    happened = Event.objects.filter(_of_types(endpoint), at__gte=begin, seal_no__isnull=False)
    found = happened.order_by("seal_no").values_list("seal_no", flat=True)[:MOST_REPLAYED]
    numbers = [number for number in found if number is not None]
    row = _active(endpoint)
    if numbers:
        # One that is not at its end yet goes on with this one.
        after = numbers[0] - 1
        if row.replay_after is not None:
            after = min(after, row.replay_after)
        until = max(numbers[-1], row.replay_until or 0)
        rows = Endpoint.objects.filter(pk=row.pk)
        rows.update(replay_after=after, replay_until=until, rests_until=None)
    data = {"since": begin.astimezone(UTC).isoformat(), "events": len(numbers)}
    events.record("webhook.replayed", actor=actor, subject=row, data=data)
    _call(row)
    return len(numbers)


@transaction.atomic
def replay_some(endpoint: Endpoint) -> None:
    """Queue the next events of a replay; nothing where there is none."""
    row = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).first()
    if row is None or row.replay_until is None or row.status != Endpoint.Status.ACTIVE:
        return
    within = Event.objects.filter(_of_types(row), seal_no__gt=row.replay_after)
    wanted = list(
        within.filter(seal_no__lte=row.replay_until)
        .order_by("seal_no")
        .values_list("uuid", "type", "seal_no")[:REPLAYED_AT_ONCE]
    )
    now = timezone.now()
    Delivery.objects.bulk_create(
        [
            Delivery(endpoint=row, event=uuid, type=type, due_at=now, created_at=now)
            for uuid, type, _number in wanted
        ],
        ignore_conflicts=True,
    )
    _again(row, [uuid for uuid, _type, _number in wanted])
    is_over = len(wanted) < REPLAYED_AT_ONCE
    after, until = (None, None) if is_over else (wanted[-1][2], row.replay_until)
    Endpoint.objects.filter(pk=row.pk).update(replay_after=after, replay_until=until)


def deliver(happened: Sequence[Event]) -> None:
    """Have events sent, in their order, to every endpoint that asked for them."""
    for endpoint in Endpoint.objects.filter(status=Endpoint.Status.ACTIVE).order_by("pk"):
        wanted = [event for event in happened if endpoint.wants(event.type)]
        if wanted:
            _deliver(wanted, endpoint)


def check_address(url: str) -> None:
    """EndpointAddressError for what could never be sent to; names are looked up when sending."""
    try:
        check_url(url, reach(), looks_up=False)
    except (OutOfReachError, ValueError) as error:
        raise EndpointAddressError(
            _("Webhooks are sent to public https addresses. %(error)s") % {"error": error},
            field="url",
        ) from error


def reach() -> Reach:
    """Where webhooks may go, as the operator set it."""
    return _reach(tuple(settings.WEBHOOK_NETWORKS), settings.DEVELOPMENT)


def body_of(delivery: Delivery, event: Event | None) -> dict[str, Any] | None:
    """What is sent; None when the event is gone."""
    return delivery.test_body or (envelope(event) if event else None)


def _deliver(happened: Sequence[Event], endpoint: Endpoint) -> None:
    # Held together with the runner's last look, so that it either sees this or is called.
    held = Endpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk)
    row = held.filter(status=Endpoint.Status.ACTIVE).first()
    if row is None:
        return
    now = timezone.now()
    times = {"due_at": now, "created_at": now}
    Delivery.objects.bulk_create(
        [Delivery(endpoint=row, event=one.uuid, type=one.type, **times) for one in happened],
        ignore_conflicts=True,
    )
    if row.rests_until is None or row.rests_until <= now:
        _call(row)


def _of_types(endpoint: Endpoint) -> Q:
    """The events that an endpoint asked for, as `wants` tells them."""
    asked = Q()
    for one in endpoint.types:
        asked |= Q(type__startswith=one[:-1]) if one.endswith(".*") else Q(type=one)
    return asked


def _active(endpoint: Endpoint) -> Endpoint:
    row = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    if row.status != Endpoint.Status.ACTIVE:
        raise EndpointOffError(
            _("%(row)s is %(state)s. Resume it first.")
            % {"row": row, "state": row.get_status_display().lower()}
        )
    return row


def _again(endpoint: Endpoint, uuids: list[Any]) -> None:
    now = timezone.now()
    Delivery.objects.filter(endpoint=endpoint, event__in=uuids).update(
        state=Delivery.State.PENDING, attempts=0, due_at=now, ended_at=None
    )
    Endpoint.objects.filter(pk=endpoint.pk).update(rests_until=None)


def _call(endpoint: Endpoint) -> None:
    title = words(gettext_noop("Send webhooks to {endpoint}"), endpoint=endpoint)
    work.call(KIND, str(endpoint.uuid), title=title)


def _said(endpoint: Endpoint) -> dict[str, Any]:
    return {"place": endpoint.place, "description": endpoint.description, "types": endpoint.types}


@lru_cache(maxsize=4)
def _reach(networks: tuple[str, ...], everything: bool) -> Reach:
    return Reach.of(networks, everything=everything)
