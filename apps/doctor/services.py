"""Keeping what was found: a check that changes makes an event, a problem a line of work."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.core.health import OK, PROBLEM, Mend, check_named, checks, worst
from apps.core.languages import speaking
from apps.doctor.constants import KIND, PIPELINE
from apps.doctor.looking import Result
from apps.doctor.models import CheckState, Checkup
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.work import services as work
from apps.work.words import words

_DAY = timedelta(days=1)
# What an operation works on; it is always the same.
_ALL = "7c0a8f5e-7f0b-4d0a-9f52-0d6b6f2c1e77"


@transaction.atomic
def start_checkup(*, actor: Actor) -> Checkup:
    """Have a worker look at everything; BusyError while one does."""
    subject = Subject("checkup", _ALL, "DotMac")
    operation = operations.start(PIPELINE, subject=subject, actor=actor)
    return Checkup.objects.create(operation=operation.uuid, asked_by=actor.label)


def active_checkup() -> Operation | None:
    """The look at everything that goes on now."""
    return operations.active_on(Subject("checkup", _ALL))


def is_checkup_due() -> bool:
    """Whether nobody has looked at everything since yesterday."""
    since = timezone.now() - _DAY
    return not Checkup.objects.filter(started_at__gt=since).exists()


def due_soon() -> list[str]:
    """The checks that are looked at more often than daily and whose time has come."""
    now = timezone.now()
    looked = dict(CheckState.objects.values_list("name", "looked_at"))
    return [
        one.name
        for one in checks()
        if one.every_s < _DAY.total_seconds()
        and (one.name not in looked or (now - looked[one.name]).total_seconds() >= one.every_s)
    ]


@transaction.atomic
def keep(result: Result) -> CheckState:
    """Keep what a check found, under its row's lock, so that no change is told twice."""
    name = result.check.name
    CheckState.objects.bulk_create([CheckState(name=name)], ignore_conflicts=True)
    row = CheckState.objects.select_for_update().get(name=name)
    before, told_before, now = row.status, row.told or row.status, timezone.now()
    row.status, row.looked_at = result.status, now
    row.told = worst(result.own)
    row.findings = [one.kept() for one in result.findings]
    if row.status != before:
        row.since = now
    if (row.status, row.told) != (before, told_before):
        _record(row, before, told_before, result)
    row.save()
    _list(row, result)
    return row


def _record(row: CheckState, before: str, told_before: str, result: Result) -> None:
    """Of the change, in English as other events."""
    first = next(iter(result.own or result.findings), None)
    with speaking(settings.LANGUAGE_CODE):
        text, advice = (first.said, first.advised) if first else ("", "")
    data = {
        "before": before,
        "told_before": told_before,
        "told": row.told,
        "text": text,
        "advice": advice,
        "runbook": result.check.page,
    }
    what = "passed" if row.status == OK else row.status
    events.record(f"check.{what}", actor=SYSTEM, subject=_subject(row), data=data)


def _list(row: CheckState, result: Result) -> None:
    """Put a problem on the operator's list of work, and take it off when it is over."""
    if row.status != PROBLEM:
        work.note_mended(KIND, row.name)
        return
    first = next(one for one in result.findings if one.status == PROBLEM)
    work.note_failure(
        KIND,
        row.name,
        title=words(gettext_noop("Health: {title}"), title=result.check.title),
        reason=words(first.text, **first.values),
    )


@transaction.atomic
def finish_checkup(operation: Operation) -> None:
    """Count what was found, and forget the checks that this release does not have."""
    gone = [row for row in CheckState.objects.all() if check_named(row.name) is None]
    for row in gone:
        work.note_mended(KIND, row.name)
        row.delete()
    status = CheckState.objects.values_list("status", flat=True)
    counts = {one: list(status).count(one) for one in ("ok", "warning", "problem")}
    Checkup.objects.filter(operation=operation.uuid).update(
        finished_at=timezone.now(),
        well=counts["ok"],
        warnings=counts["warning"],
        problems=counts["problem"],
    )


def put_right(mend: Mend, *, actor: Actor) -> int:
    """Do what somebody agreed to; returns how many things were put right.

    Each of them is a change by itself; the event tells of all.
    """
    count = mend.run()
    if count:
        about = Subject("check", mend.check, mend.check)
        events.record("check.mended", actor=actor, subject=about, data={"count": count})
    return count


def _subject(row: CheckState) -> Subject:
    found = row.check_of
    title = words(found.title) if found else row.name
    return Subject("check", row.name, str(title)[:200])
