"""Asking for a proof of the log, which a worker makes while somebody watches."""

from dataclasses import asdict

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.events.exceptions import VerificationBusyError
from apps.events.models import Event, Verification
from apps.events.verifying import Report
from apps.work import services as work
from apps.work.words import words

KIND = "verification"
KEPT = 20
_TITLE = gettext_noop("Verify the event log")


@transaction.atomic
def start_verification(*, actor: Actor, accepting: str = "") -> Verification:
    """Have the log of the current schema proven; VerificationBusyError while it is.

    `accepting` is why an end that is too early is accepted first, where nothing else is wrong.
    """
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
    try:
        with transaction.atomic():
            row = Verification.objects.create(
                asked_by=actor.label,
                asked_at=timezone.now(),
                expected=newest or 0,
                accepts={"reason": accepting, "actor": asdict(actor)} if accepting else None,
            )
    except IntegrityError as error:
        raise VerificationBusyError(
            _("The log is being verified already. Wait for its end.")
        ) from error
    old = Verification.objects.order_by("-pk").values_list("pk", flat=True)[KEPT:]
    Verification.objects.filter(pk__in=list(old)).delete()
    work.enqueue(KIND, str(row.uuid), title=words(_TITLE))
    return row


def newest_verification() -> Verification | None:
    """The one under way, or else the last."""
    return Verification.objects.first()


def end(row: Verification, report: Report, cause: str = "") -> None:
    """Keep what was found, and why an end was not accepted that was to be.

    Of faults there is an event, in the caller's transaction.
    """
    found = {"events": report.events, "report": report.said(), "cause": cause[:200]}
    _close(row, state=Verification.State.DONE, **found)
    if not report.is_proven:
        about = Subject("log", str(row.uuid), "Event log")
        data = {"findings": len(report.findings), "asked_by": row.asked_by}
        events.record("log.faulty", actor=SYSTEM, subject=about, data=data)


def fail(row: Verification, cause: str) -> None:
    """Keep why nothing was found out."""
    _close(row, state=Verification.State.FAILED, cause=cause[:200])


def _close(row: Verification, **values: object) -> None:
    rows = Verification.objects.filter(pk=row.pk, state=Verification.State.OPEN)
    rows.update(ended_at=timezone.now(), **values)
