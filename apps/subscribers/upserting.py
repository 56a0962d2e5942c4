"""Many subscribers of another system at once: added or brought up to date, row by row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.subscribers.models import Subscriber
from apps.subscribers.services import draw_numbers

MOST_ROWS = 1000
CREATED, UPDATED, UNCHANGED, ERROR = "created", "updated", "unchanged", "error"
FIELDS = ("name", "email", "phone", "external_id", "language", "metadata")
_KEYS = ("external_id", "number")
Values = Mapping[str, Any]


@dataclass
class Outcome:
    """What became of a row; `errors` is a list of {"field": …, "message": …}."""

    result: str = UNCHANGED
    subscriber: Subscriber | None = None
    errors: list[dict[str, str]] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def refuse(self, name: str, message: str) -> None:
        """Say what is wrong with a field of the row."""
        self.result = ERROR
        self.errors.append({"field": name, "message": message})


@transaction.atomic
def upsert_subscribers(rows: Sequence[Values | Outcome], *, actor: Actor) -> list[Outcome]:
    """Bring rows in, by reference or else by number, in a number of queries that is fixed.

    A row is its values, or an Outcome when it was refused before. A row in error leaves the
    others alone. ConflictError when somebody else took a number or reference meanwhile.
    """
    known = _Known(rows)
    outcomes = [row if isinstance(row, Outcome) else known.judge(row) for row in rows]
    made = [o.subscriber for o in outcomes if o.result == CREATED and o.subscriber]
    changed = [o.subscriber for o in outcomes if o.result == UPDATED and o.subscriber]
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


class _Known:
    """The subscribers that rows may mean, locked, and what earlier rows of the batch took."""

    def __init__(self, rows: Sequence[Values | Outcome]) -> None:
        values = [row for row in rows if not isinstance(row, Outcome)]
        wanted = {key: {row[key] for row in values if row.get(key)} for key in _KEYS}
        found = Subscriber.objects.select_for_update().filter(
            Q(external_id__in=wanted["external_id"]) | Q(number__in=wanted["number"])
        )
        self._by: dict[str, dict[str, Subscriber]] = {key: {} for key in _KEYS}
        for subscriber in found.order_by("pk"):
            for key in _KEYS:
                self._by[key][getattr(subscriber, key)] = subscriber
        self._taken: set[object] = set()

    def judge(self, row: Values) -> Outcome:
        """What a row asks for; nothing is written yet."""
        outcome = Outcome()
        meant = {key: self._by[key].get(row[key]) for key in _KEYS if row.get(key)}
        if not meant:
            outcome.refuse("external_id", _("Give a reference or a number, to tell who is meant."))
            return outcome
        subscribers = {s.pk: s for s in meant.values() if s is not None}
        if len(subscribers) > 1:
            outcome.refuse("external_id", _("Reference and number belong to two subscribers."))
            return outcome
        subscriber = next(iter(subscribers.values()), None)
        if not self._take(row, subscriber):
            outcome.refuse("external_id", _("An earlier row is about the same subscriber."))
            return outcome
        return _change(outcome, subscriber, row) if subscriber else _add(outcome, row)

    def _take(self, row: Values, subscriber: Subscriber | None) -> bool:
        marks: set[object] = {(key, row[key]) for key in _KEYS if row.get(key)}
        if subscriber is not None:
            marks.add(subscriber.pk)
        if marks & self._taken:
            return False
        self._taken |= marks
        return True


def _add(outcome: Outcome, row: Values) -> Outcome:
    if not row.get("name"):
        outcome.refuse("name", _("A new subscriber needs a name."))
        return outcome
    outcome.result = CREATED
    values = {name: row[name] for name in FIELDS if name in row}
    outcome.subscriber = Subscriber(number=row.get("number", ""), **values)
    return outcome


def _change(outcome: Outcome, subscriber: Subscriber, row: Values) -> Outcome:
    outcome.subscriber = subscriber
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
    """One event for the batch, like one for a batch of an import."""
    created = [str(o.subscriber.uuid) for o in outcomes if o.subscriber and o.result == CREATED]
    updated = {
        str(o.subscriber.uuid): o.changed for o in outcomes if o.subscriber and o.result == UPDATED
    }
    label = f"{len(created)} added, {len(updated)} changed"
    events.record(
        "subscribers.upserted",
        actor=actor,
        subject=Subject("subscriber_batch", str(uuid4()), label),
        data={"created": created, "updated": updated},
    )
