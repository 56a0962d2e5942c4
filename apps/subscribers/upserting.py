"""Many subscribers of another system at once: added or brought up to date, row by row."""

from collections.abc import Iterable, Sequence
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError
from apps.core.upserting import CREATED, ERROR, UNCHANGED, UPDATED, Known, Outcome, Values
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of
from apps.subscribers.models import Subscriber
from apps.subscribers.services import draw_numbers, tell_created

FIELDS = ("name", "email", "phone", "external_id", "language", "metadata")
_KEYS = ("external_id", "number")


@transaction.atomic
def upsert_subscribers(rows: Sequence[Values | Outcome], *, actor: Actor) -> list[Outcome]:
    """Bring rows in, by reference or else by number, in a number of queries that is fixed.

    A row is its values, or an Outcome when it was refused before. A row in error leaves the
    others alone. ConflictError when somebody else took a number or reference meanwhile.
    """
    locked = Subscriber.objects.select_for_update()
    known = Known(locked, _KEYS, [row for row in rows if not isinstance(row, Outcome)])
    outcomes = [row if isinstance(row, Outcome) else _judge(known, row) for row in rows]
    made = [o.row for o in outcomes if o.result == CREATED and o.row]
    changed = [o.row for o in outcomes if o.result == UPDATED and o.row]
    _give_numbers(made)
    try:
        with transaction.atomic():
            Subscriber.objects.bulk_create(made)
            Subscriber.objects.bulk_update(changed, [*FIELDS])
    except IntegrityError as error:
        raise ConflictError(
            _("Somebody else changed these subscribers at the same time. Send the rows again.")
        ) from error
    if made or changed:
        _record(outcomes, actor)
    return outcomes


def _judge(known: Known, row: Values) -> Outcome:
    """What a row asks for; nothing is written yet."""
    outcome = Outcome()
    subscriber = known.find(row, outcome)
    if outcome.result == ERROR:
        return outcome
    return _change(outcome, subscriber, row) if subscriber else _add(outcome, row)


def _add(outcome: Outcome, row: Values) -> Outcome:
    if not row.get("name"):
        outcome.refuse("name", _("A new subscriber needs a name."))
        return outcome
    outcome.result = CREATED
    values = {name: row[name] for name in FIELDS if name in row}
    outcome.row = Subscriber(number=row.get("number", ""), **values)
    return outcome


def _change(outcome: Outcome, subscriber: Subscriber, row: Values) -> Outcome:
    outcome.row = subscriber
    outcome.before = values_of(subscriber, FIELDS)
    for name in FIELDS:
        # An empty reference names nobody, so it takes none away either.
        if name not in row or (name == "external_id" and not row[name]):
            continue
        if getattr(subscriber, name) != row[name]:
            setattr(subscriber, name, row[name])
            outcome.changed.append(name)
    outcome.result = UPDATED if outcome.changed else UNCHANGED
    return outcome


def _give_numbers(made: Iterable[Subscriber]) -> None:
    """Ids for all, and numbers for those that brought none, apart from those that were brought."""
    made = list(made)
    brought = {subscriber.number for subscriber in made if subscriber.number}
    if not made:
        return
    drawn = draw_numbers(len(made) + len(brought))
    free = iter([pair for pair in drawn if pair[1] not in brought])
    for subscriber, (pk, number) in zip(made, free, strict=False):
        subscriber.pk = pk
        subscriber.number = subscriber.number or number


def _record(outcomes: Sequence[Outcome], actor: Actor) -> None:
    """One event for the batch, like one for a batch of an import, and one for each row in it."""
    created = [str(o.row.uuid) for o in outcomes if o.row and o.result == CREATED]
    updated = {str(o.row.uuid): o.changed for o in outcomes if o.row and o.result == UPDATED}
    label = f"{len(created)} added, {len(updated)} changed"
    events.record(
        "subscribers.upserted",
        actor=actor,
        subject=Subject("subscriber_batch", str(uuid4()), label),
        data={"created": created, "updated": updated},
    )
    made = [o.row for o in outcomes if o.row and o.result == CREATED]
    tell_created(made, actor=actor)
    changed = [
        (o.row, {CHANGED: differences(o.before, values_of(o.row, o.changed))})
        for o in outcomes
        if o.row and o.result == UPDATED
    ]
    events.record_many("subscriber.updated", changed, actor=actor)
