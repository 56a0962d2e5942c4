"""Weeks of what might have happened before today, for a demonstration: the record, messages,
webhooks, operations and services that paused.

Nothing of a log is changed: events are new rows at its end, digested and stamped with the times
that they bear and sealed in the order in which they are written, so the log proves as any other.
Of what is in no chain, rows are made with their times.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import User
from apps.events.actors import SYSTEM, Actor, Subject, subject_of, user_actor
from apps.events.digests import as_read, event_digest
from apps.events.models import Event
from apps.events.services import SIGNAL
from apps.events.stamps import stamp_of
from apps.notifications.constants import EMAIL
from apps.notifications.models import Delivery, Notification
from apps.operations.models import Operation, Step
from apps.operations.pipelines import pipeline_of
from apps.operations.services import KIND
from apps.subscribers.models import Service, ServiceStateChange, Subscriber
from apps.tenancy.kinds import current_schema
from apps.work import services as work
from apps.work.models import Due
from apps.work.words import words

# Documentation ranges (RFC 5737): nobody's addresses.
_OFFICE, _HOME = "198.51.100.23", "203.0.113.80"
_HOUR = timedelta(hours=1)


@dataclass
class Past:
    """So many days before now, the same each time for a seed."""

    days: int
    seed: int
    now: datetime = field(default_factory=timezone.now)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def moments(self, per_day: float) -> list[datetime]:
        """Times at work, in order; so many a day on average."""
        found = []
        for day in range(self.days, -1, -1):
            midnight = (self.now - timedelta(days=day)).replace(hour=0, minute=0)
            count = int(per_day) + (self.random.random() < per_day % 1)
            for _one in range(count):
                found.append(midnight + timedelta(seconds=self.random.randrange(25_200, 68_400)))
        return sorted(at for at in found if at < self.now - _HOUR)

    def uuid(self) -> UUID:
        """A fresh one."""
        return UUID(int=self.random.getrandbits(128), version=4)


@dataclass(frozen=True)
class Happened:
    """An event to be written."""

    at: datetime
    type: str
    actor: Actor
    subject: Subject
    data: dict[str, Any]
    ip: str = ""


def write_events(happened: Iterable[Happened], past: Past) -> list[Event]:
    """Put events at the end of the log, oldest first; the clock is called to seal them."""
    rows = [_event(one, past) for one in sorted(happened, key=lambda one: one.at)]
    Event.objects.bulk_create(rows, batch_size=500)
    work.signal(SIGNAL)
    return rows


def sign_ins(past: Past, people: Sequence[User]) -> Iterable[Happened]:
    """Each person comes most days; now and then the password is wrong first."""
    for person in people:
        subject = subject_of(person)
        for at in past.moments(0.7):
            ip = past.random.choice((_OFFICE, _OFFICE, _HOME))
            if past.random.random() < 0.06:
                failed = at - timedelta(seconds=20)
                data = {"by": "password", "ip": ip}
                yield Happened(failed, "user.sign_in_failed", SYSTEM, subject, data, ip)
            data = {"by": "password", "methods": ["pwd"], "ip": ip}
            yield Happened(at, "user.signed_in", user_actor(person), subject, data, ip)


def newcomers(past: Past, by: User) -> Iterable[Happened]:
    """The subscribers who came in this time."""
    since = past.now - timedelta(days=past.days)
    for person in Subscriber.objects.filter(created_at__gte=since).order_by("pk"):
        data = {"number": person.number, "status": person.status}
        subject, actor = subject_of(person), user_actor(by)
        yield Happened(person.created_at, "subscriber.created", actor, subject, data, _OFFICE)


def pauses(past: Past, by: User, count: int) -> list[Happened]:
    """Services that were suspended for unpaid invoices, and resumed some days later."""
    since = past.now - timedelta(days=past.days)
    active = Service.objects.filter(status="active", activated_at__lt=since).order_by("pk")
    services = list(active.select_related("plan_version__plan", "subscriber"))
    chosen = past.random.sample(services, min(count, len(services)))
    rows, told = [], []
    for service in chosen:
        begun = since + timedelta(days=past.random.uniform(1, past.days - 8))
        ended = begun + timedelta(days=past.random.uniform(1, 6))
        for at, type, source, target, reason in (
            (begun, "service.suspended", "active", "suspended", "nonpayment"),
            (ended, "service.resumed", "suspended", "active", ""),
        ):
            facts = {"source": source, "target": target, "reason": reason}
            rows.append(ServiceStateChange(service=service, at=at, actor=by.email, **facts))
            data = {"from": source, "to": target, "reason": reason}
            subject, actor = subject_of(service), user_actor(by)
            told.append(Happened(at, type, actor, subject, data, _OFFICE))
    ServiceStateChange.objects.bulk_create(rows)
    return told


def messages(
    past: Past, people: Sequence[User], kind: str, data: dict[str, Any], *, per_day: float
) -> None:
    """Notices of a kind with their mails, nearly all of which were taken; the old ones are read."""
    told, sent = [], []
    for at in past.moments(per_day):
        for person in people:
            is_old = past.now - at > timedelta(days=2)
            one = Notification(
                user=person, kind=kind, key=str(past.uuid()), data=data, created_at=at,
                read_at=at + _HOUR if is_old else None,
            )  # fmt: skip
            told.append(one)
            sent.append(_mail(past, one, is_taken=len(sent) % 11 != 4))
    Notification.objects.bulk_create(told)
    Delivery.objects.bulk_create(sent)


def operations(
    past: Past, name: str, subject_at: Callable[[datetime], Subject], by: User, *, per_day: float
) -> None:
    """Runs of a pipeline; one of some failed, and went through when it was tried again."""
    runs = []
    for number, at in enumerate(past.moments(per_day)):
        subject = subject_at(at)
        pause = timedelta()
        if number % 6 == 2:
            runs.append(_run(past, name, subject, by, at, is_good=False))
            pause = timedelta(minutes=9)
        runs.append(_run(past, name, subject, by, at + pause, is_good=True))
    Operation.objects.bulk_create([operation for operation, _steps in runs])
    # By their keys, which the operations have only now.
    for operation, steps in runs:
        for step in steps:
            step.operation = operation
    Step.objects.bulk_create([step for _operation, steps in runs for step in steps])
    Due.objects.bulk_create([_due(operation) for operation, _steps in runs])


def _event(one: Happened, past: Past) -> Event:
    salts = [f"{past.random.getrandbits(128):032x}" for _part in range(2)]
    event = Event(
        uuid=past.uuid(),
        at=one.at,
        type=one.type,
        actor_kind=one.actor.kind,
        actor_id=one.actor.id,
        actor_label=one.actor.label,
        ip=one.ip,
        actor_salt=salts[0],
        subject_type=one.subject.type,
        subject_id=one.subject.id,
        subject_label=one.subject.label,
        data=as_read(one.data),
        salt=salts[1],
    )
    event.digest = event_digest(event)
    event.stamp = stamp_of(event.digest)
    return event


def _mail(past: Past, told: Notification, *, is_taken: bool) -> Delivery:
    sent = Delivery(
        uuid=past.uuid(), notification=told, channel=EMAIL, address=told.user.email,
        created_at=told.created_at,
    )  # fmt: skip
    if is_taken:
        sent.status, sent.attempts = Delivery.Status.SENT, 1
        sent.sent_at = told.created_at + timedelta(seconds=past.random.uniform(0.4, 4))
    else:
        sent.status, sent.attempts = Delivery.Status.FAILED, 6
        sent.error = "The mail server did not take it: TimeoutError"
    return sent


def _run(
    past: Past, name: str, subject: Subject, by: User, at: datetime, *, is_good: bool
) -> tuple[Operation, list[Step]]:
    pipeline = pipeline_of(name)
    operation = Operation(
        uuid=past.uuid(),
        name=name,
        title=pipeline.title.format(subject=subject.label),
        subject_type=subject.type,
        subject_id=subject.id,
        subject_label=subject.label,
        status=Operation.Status.SUCCEEDED if is_good else Operation.Status.FAILED,
        cause="" if is_good else "The server did not answer for 40 s.",
        actor_kind="user",
        actor_id=str(by.uuid),
        actor_label=by.email,
        created_at=at,
        started_at=at + timedelta(seconds=0.3),
    )
    count = len(pipeline.steps)
    ends = count if is_good else count // 2
    steps, clock = [], operation.started_at
    for position, step in enumerate(pipeline.steps):
        row = Step(operation=operation, position=position, key=step.key, title=step.title)
        if position <= ends and position < count:
            row.attempt, row.started_at = 1, clock
            clock += timedelta(seconds=past.random.uniform(0.1, 3))
            row.finished_at = clock
            row.status = Step.Status.DONE
        if position == ends and not is_good:
            row.status, row.error = Step.Status.FAILED, operation.cause
        steps.append(row)
    operation.finished_at = clock
    return operation, steps


def _due(operation: Operation) -> Due:
    """Its line on the operator's list of work."""
    is_good = operation.status == Operation.Status.SUCCEEDED
    pipeline = pipeline_of(operation.name)
    return Due(
        schema=current_schema(),
        kind=KIND,
        subject=str(operation.uuid),
        title=operation.title,
        title_words=words(pipeline.title, subject=operation.subject_label).kept(),
        state=Due.State.DONE if is_good else Due.State.FAILED,
        reason=operation.cause,
        progress=100 if is_good else 50,
        due_at=operation.created_at,
        created_at=operation.created_at,
        started_at=operation.started_at,
        finished_at=operation.finished_at,
        epoch=1,
    )
