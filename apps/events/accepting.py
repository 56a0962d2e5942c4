"""Accepting a log that is shorter than its mark, since a backup was restored on purpose."""

from uuid import uuid4

from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.breaks import RESTORED, facts_of
from apps.events.exceptions import NotAcceptedError, NothingToAcceptError
from apps.events.marks import End, force_mark, is_genuine, mark
from apps.events.models import Event
from apps.events.sealing import GENESIS, hold_seal
from apps.events.verifying import verify
from apps.tenancy.kinds import current_schema
from apps.work.models import Mark

LONGEST_REASON = 300


def accept_restored_log(*, reason: str, actor: Actor) -> Event:
    """Begin the mark of the current schema anew at the end of its log; an event says so.

    The log is read as a whole before: NotAcceptedError where more is wrong with it than its end,
    NothingToAcceptError where nothing is, VerificationBusyError while it is proven elsewhere.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        text = _("Say why in up to %(longest)s letters.") % {"longest": LONGEST_REASON}
        raise DomainError(text, field="reason")
    _cut_back()
    report = verify(knows_mark=False)
    if not report.is_proven:
        raise NotAcceptedError(
            _("More is wrong with this log than its end: %(finding)s")
            % {"finding": report.findings[0].text}
        )
    return _accept(reason, actor)


@transaction.atomic
def _accept(reason: str, actor: Actor) -> Event:
    # Nothing is sealed meanwhile, so the end is the one that the mark is moved to.
    with connection.cursor() as cursor:
        hold_seal(cursor)
    before = _cut_back()
    number, chain = end = _end()
    known = {"number": before.number, "chain": before.chain, "signature": before.signature}
    uuid, schema = uuid4(), current_schema()
    event = events.record(
        RESTORED,
        actor=actor,
        subject=Subject("log", schema, schema),
        data=facts_of(reason, known, {"number": number, "chain": chain}, uuid),
        uuid=uuid,
    )
    force_mark(end)
    return event


def _cut_back() -> Mark:
    """The mark that the log does not reach; NothingToAcceptError where it does."""
    row = mark()
    if row is None or Event.objects.filter(seal_no=row.number, chain=row.chain).exists():
        raise NothingToAcceptError(
            _("This log is as long as its mark says. There is nothing to accept.")
        )
    if not is_genuine(row):
        raise NotAcceptedError(
            _("The mark outside of this log is not signed by this installation: it was changed.")
        )
    return row


def _end() -> End:
    last = Event.objects.filter(seal_no__isnull=False).order_by("-seal_no").first()
    return (last.seal_no or 0, last.chain) if last else (0, GENESIS)
