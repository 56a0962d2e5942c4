"""Asking for a long part of the record as a file, and taking the file."""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError, NotFoundError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.exporting import FORMS, Form, tell_exported
from apps.events.models import Event
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy import files as tenancy_files
from apps.tenancy.kinds import current_schema
from apps.transfers.services import Export

PIPELINE = "record.export"
VIEW = "record.view"
KEPT = timedelta(days=7)
_SUBJECT = Subject("list", "events.event", "Event log")
# More than anybody asks for within the days that a file is kept.
_SHOWN = 10


@transaction.atomic
def start_export(query: str, form: str, *, actor: Actor) -> Operation:
    """Write what the list's address shows into a file; BusyError while another one is written."""
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
    # Days of the filters are those of whoever looked.
    zone = timezone.get_current_timezone_name()
    params = {"query": query, "form": form, "until": newest or 0, "zone": zone}
    return operations.start(PIPELINE, subject=_SUBJECT, actor=actor, params=params)


def form_of(operation: Operation) -> Form:
    """As what it is written."""
    return FORMS[operation.params["form"]]


def exports() -> list[Export]:
    """What was asked for of late, the newest first."""
    return [_export_of(row) for row in _asked().order_by("-created_at")[:_SHOWN]]


def file_of(operation: Operation) -> Path:
    """Where the file of an operation of the current schema lies, while it is kept."""
    return _folder() / f"{operation.uuid}{Path(form_of(operation).file).suffix}"


def is_there(operation: Operation) -> bool:
    """Whether its file can be taken."""
    return operation.status == Operation.Status.SUCCEEDED and file_of(operation).exists()


def open_file(operation: Operation, *, actor: Actor) -> BinaryIO:
    """The file, to be taken along, which is told in the log; NotFoundError once it is gone."""
    if not is_there(operation):
        raise NotFoundError(_("This file is not kept any more. Export the events again."))
    try:
        file = file_of(operation).open("rb")
    except OSError:
        raise NotFoundError(_("This file is not kept any more. Export the events again.")) from None
    data = {"operation": str(operation.uuid), "file": form_of(operation).file}
    events.record("list.export_downloaded", actor=actor, subject=_SUBJECT, data=data)
    return file


@transaction.atomic
def note_export(operation: Operation, *, rows: int) -> None:
    """Tell that a file was made, in the caller's transaction that ends its operation."""
    actor = Actor(operation.actor_kind, operation.actor_id, operation.actor_label)
    tell_exported(rows, form_of(operation), QueryDict(operation.params["query"]), actor=actor)
    _forget_words([operation])


def check_repeatable(operation: Operation) -> None:
    """ConflictError once its filters are forgotten: without them it would hold everything."""
    if "query" not in operation.params:
        raise ConflictError(_("Its filters are not kept any more. Export the events again."))


def forget_files() -> None:
    """Delete files of the current schema that are past their time, and what they were asked by."""
    before = timezone.now() - KEPT
    for file in _folder().glob("*"):
        try:
            if file.stat().st_mtime < before.timestamp():
                file.unlink()
        except FileNotFoundError:
            continue
    _forget_words(_ended().filter(created_at__lt=before))


def forget_all_files() -> None:
    """Delete all files that are there, and what they were asked by: somebody was erased."""
    for operation in _ended():
        file_of(operation).unlink(missing_ok=True)
    _forget_words(_ended())


def _forget_words(rows: Iterable[Operation]) -> None:
    """Filters may name people; the event that tells of the export keeps them, and is emptied."""
    for row in rows:
        params = {key: value for key, value in row.params.items() if key != "query"}
        if params != row.params:
            Operation.objects.filter(pk=row.pk).update(params=params)


def _asked() -> QuerySet[Operation]:
    return Operation.objects.filter(name=PIPELINE)


def _ended() -> QuerySet[Operation]:
    return _asked().filter(status__in=Operation.ENDED)


def _export_of(operation: Operation) -> Export:
    if not is_there(operation):
        return Export(operation, 0, None)
    until = (operation.finished_at or timezone.now()) + KEPT
    return Export(operation, file_of(operation).stat().st_size, until)


def _folder() -> Path:
    return tenancy_files.folder_of(current_schema()) / "record"
