"""The step in which events are written into a file."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from apps.core.languages import grouped
from apps.core.zones import in_zone
from apps.events.choosing import chosen_events
from apps.events.erasing import ERASED
from apps.events.exporting import in_order
from apps.events.models import Event
from apps.operations.exceptions import StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.transfers.record.services import (
    KEPT,
    PIPELINE,
    VIEW,
    check_repeatable,
    file_of,
    form_of,
    is_there,
    note_export,
)

_TOLD_EVERY_S = 1.0


class WriteFile(Step):
    """Page by page by id, up to the newest event of when it was asked for."""

    key, title = "write", gettext_noop("Write the events into a file")
    deadline_s = 6 * 60 * 60

    def run(self, run: Run) -> None:
        """StepError where there is no room for the file; begun again it writes another one."""
        path = file_of(run.operation)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            rows = _write(run, path)
        except OSError as error:
            said = {"error": error.strerror or type(error).__name__}
            raise StepError(_("The file could not be written: %(error)s.") % said) from error
        run.log(_said(rows))
        run.remember(rows=rows)

    def undo(self, run: Run) -> None:
        """Nothing of it stays."""
        file_of(run.operation).unlink(missing_ok=True)
        _part_of(file_of(run.operation)).unlink(missing_ok=True)


def _write(run: Run, path: Path) -> int:
    """Whole or not at all; anew where somebody was erased meanwhile, who may be in it already."""
    part = _part_of(path)
    while True:
        erasures = Event.objects.filter(type=ERASED)
        newest = erasures.order_by("-pk").values_list("pk", flat=True).first() or 0
        with open(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            "w",
            encoding="utf-8",
            newline="",
        ) as file:
            rows = form_of(run.operation).write(_told(run), file)
        run.assert_held()
        if not erasures.filter(pk__gt=newest).exists():
            # One that ends from now on deletes the file itself (reactions).
            part.replace(path)
            return rows


def _told(run: Run) -> Iterator[Event]:
    """The events, while the operation's page is told how far they are."""
    until, said_at = run.params["until"], time.monotonic()
    with in_zone(run.params.get("zone", "")):
        chosen = chosen_events(run.params["query"]).filter(pk__lte=until)
    for rows, event in enumerate(in_order(chosen), start=1):
        yield event
        if time.monotonic() - said_at > _TOLD_EVERY_S:
            said_at = time.monotonic()
            run.assert_held()
            # By how far the log is gone through, so that nothing has to be counted before.
            run.tell(event.pk, until, _said(rows))


def _said(rows: int) -> str:
    text = ngettext("%(rows)s event is written.", "%(rows)s events are written.", rows)
    return text % {"rows": grouped(rows)}


def _part_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _settle(run: Run, status: str) -> None:
    if status == Operation.Status.SUCCEEDED:
        note_export(run.operation, rows=run.memory["rows"])


def _after(operation: Operation) -> dict[str, Any]:
    """The file, once it is there."""
    if not is_there(operation):
        text = _("Then you can download the file for %(days)s days.")
        return {"next_text": text % {"days": KEPT.days}}
    url = reverse("admin:record_export_file", args=[operation.uuid])
    return {"next_url": url, "next_label": _("Download the file")}


register(
    Pipeline(
        PIPELINE,
        gettext_noop("Export the event log"),
        (WriteFile,),
        settle=_settle,
        after=_after,
        asks=lambda _operation: VIEW,
        fits=check_repeatable,
    )
)
