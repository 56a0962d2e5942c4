"""Asking for a proof of the log, which a worker makes while somebody watches."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject
from apps.events.exceptions import VerificationBusyError
from apps.events.models import Event, Verification
from apps.events.verifying import Report
from apps.work import services as work
from apps.work.words import Words, read, words

KIND = "verification"
KEPT = 20
_TITLE = gettext_noop("Verify the event log")
_KINDS = {
    "changed": gettext_lazy("Changed"),
    "inserted": gettext_lazy("Inserted"),
    "removed": gettext_lazy("Removed"),
    "reordered": gettext_lazy("Reordered"),
    "unsealed": gettext_lazy("Not sealed"),
}


@dataclass(frozen=True)
class ShownFinding:
    """Something that is wrong with the log, in the reader's language."""

    kind: str
    event_id: int | None
    text: str


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


def fail(row: Verification, cause: Words) -> None:
    """Keep why nothing was found out."""
    said = {"cause": str(cause)[:200], "report": {"cause": cause.kept()}}
    _close(row, state=Verification.State.FAILED, **said)


def cause_of(row: Verification) -> str:
    """Why it failed, in the reader's language where it was kept so."""
    kept = row.report.get("cause")
    return read(kept) if kept else row.cause


def findings_of(row: Verification | None) -> Iterator[ShownFinding]:
    """What was found; one of before this release is in English."""
    for kept in row.report.get("findings", []) if row else []:
        text = read(kept["words"]) if kept.get("words") else kept["text"]
        yield ShownFinding(str(_KINDS.get(kept["kind"], kept["kind"])), kept["event_id"], text)


def _close(row: Verification, **values: object) -> None:
    rows = Verification.objects.filter(pk=row.pk, state=Verification.State.OPEN)
    rows.update(ended_at=timezone.now(), **values)
