"""Proving a log at a worker, which tells how far it is."""

import threading
from typing import Any

from django.db import Error, connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.core.languages import grouped
from apps.events import verifications
from apps.events.accepting import accept_restored_log
from apps.events.actors import Actor
from apps.events.exceptions import NotAcceptedError, NothingToAcceptError, VerificationBusyError
from apps.events.models import Verification
from apps.events.verifying import Walk, verify
from apps.tenancy.kinds import schema_of
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from apps.work.words import words

_TOLD_EVERY_S = 1.0
_BUSY_REST_S = 15.0
_DIED = gettext_noop("Its worker died again and again.")
_DIED_SAYING_WHY = gettext_noop("Its worker died again and again. The log says why.")


@runs(verifications.KIND)
def run_verification(lease: Lease) -> None:
    """Prove the log once; what a worker that died had read is read again."""
    row = Verification.objects.filter(uuid=lease.subject, state=Verification.State.OPEN).first()
    if row is None or lease.is_stuck:
        _fail(lease, row)
        return
    walk = Walk()
    try:
        cause = _accept(row, lease)
        with _Telling(row, walk, lease):
            report = verify(walk)
    except VerificationBusyError as error:
        with lease.atomic():
            work.postpone(lease, seconds=_BUSY_REST_S, reason=error.message)
        return
    with lease.atomic():
        verifications.end(row, report, cause)
        work.finish(lease, Due.State.DONE, reason=cause)


def _accept(row: Verification, lease: Lease) -> str:
    """Accept the log's end where that was asked for; returns why it is not."""
    if row.accepts is None:
        return ""
    lease.assert_held()
    try:
        accept_restored_log(reason=row.accepts["reason"], actor=Actor(**row.accepts["actor"]))
    except NotAcceptedError as error:
        return error.message
    except NothingToAcceptError:
        # Also where a worker before this one accepted it and died.
        return ""
    return ""


def _fail(lease: Lease, row: Verification | None) -> None:
    with lease.atomic():
        if row is None:
            work.finish(lease, Due.State.DONE)
            return
        verifications.fail(row, words(_DIED_SAYING_WHY))
        work.finish(lease, Due.State.FAILED, reason=words(_DIED))


class _Telling(threading.Thread):
    """Writes how far a walk is, on a connection of its own: the walk's sees one snapshot."""

    def __init__(self, row: Verification, walk: Walk, lease: Lease) -> None:
        super().__init__(name="verification", daemon=True)
        self.row, self.walk, self.lease = row, walk, lease
        self._over = threading.Event()

    def run(self) -> None:
        """Until it is over."""
        try:
            while not self._over.wait(_TOLD_EVERY_S):
                self._tell()
        finally:
            connection.close()

    def _tell(self) -> None:
        try:
            with schema_of(self.lease.schema):
                rows = Verification.objects.filter(pk=self.row.pk, state=Verification.State.OPEN)
                rows.update(events=self.walk.report.events)
        except Error:
            connection.close()

    def __enter__(self) -> "_Telling":
        self.start()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._over.set()
        self.join(timeout=10)


def _context(subject: str) -> dict[str, Any]:
    row = Verification.objects.get(uuid=subject)
    states = {Verification.State.DONE: "done", Verification.State.FAILED: "failed"}
    return {
        "operation": {
            "id": subject,
            "title": _("Verify the event log"),
            "status": states.get(Verification.State(row.state), "waiting"),
            "cause": verifications.cause_of(row),
            "waiting_for": _("%(events)s events are read.") % {"events": grouped(row.events)},
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    return _("A verification ends by itself; start another one on the page of the log.")


shows(verifications.KIND, Detail(_context, _steer))
