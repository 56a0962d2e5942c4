"""Asking for a proof of the log, which a worker makes while somebody watches."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.events.actors import Actor
from apps.events.exceptions import VerificationBusyError
from apps.events.models import Event, Verification
from apps.events.verifying import Report
from apps.work import services as work
from apps.work.words import words

KIND = "verification"
KEPT = 20
_TITLE = gettext_noop("Verify the event log")


@transaction.atomic
def start_verification(*, actor: Actor) -> Verification:
    """Have the log of the current schema proven; VerificationBusyError while it is."""
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
    try:
        with transaction.atomic():
            row = Verification.objects.create(
                asked_by=actor.label, asked_at=timezone.now(), expected=newest or 0
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


def end(row: Verification, report: Report) -> None:
    """Keep what was found."""
    _close(row, state=Verification.State.DONE, events=report.events, report=report.said(), cause="")


def fail(row: Verification, cause: str) -> None:
    """Keep why nothing was found out."""
    _close(row, state=Verification.State.FAILED, cause=cause[:200])


def _close(row: Verification, **values: object) -> None:
    rows = Verification.objects.filter(pk=row.pk, state=Verification.State.OPEN)
    rows.update(ended_at=timezone.now(), **values)
