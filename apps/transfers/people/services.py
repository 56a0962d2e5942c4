"""Starting the work about one person, and the files of their data."""

from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.response import Response

from apps.accounts.personal_kinds import kind_of_person
from apps.core.exceptions import NotFoundError
from apps.events import services as events
from apps.events.actors import Actor, Subject, subject_of
from apps.operations import services as operations
from apps.operations.api import accepted as answer
from apps.operations.models import Operation
from apps.operations.pages import operation_context
from apps.tenancy import files as tenancy_files
from apps.tenancy.kinds import current_schema

EXPORT, ERASE = "people.export", "people.erase"
KEPT = timedelta(days=7)
_ENDING = ".json"


@transaction.atomic
def export(of: str, person: Any, *, actor: Actor) -> Operation:
    """Start writing somebody's file; BusyError while they are exported or erased."""
    return operations.start(EXPORT, subject=_subject(of, person), actor=actor, params={"of": of})


@transaction.atomic
def erase(of: str, person: Any, *, actor: Actor) -> Operation:
    """Close somebody at once, and start erasing them; ConflictError where that cannot be now."""
    whole = kind_of_person(of).whole(person)
    for kind, one in whole:
        kind_of_person(kind).close(one, actor)
    params = {"of": of, "whole": [[kind, str(one.uuid)] for kind, one in whole]}
    return operations.start(ERASE, subject=_subject(of, person), actor=actor, params=params)


def accepted(begun: Operation) -> Response:
    """The operation, as programs read it."""
    return answer(begun)


def progress(of: str, person: Any) -> dict[str, Any]:
    """How the newest export goes; nothing where there was none, or what it wrote is gone."""
    newest = _exports(str(person.uuid)).first()
    if newest is None or (newest.status == Operation.Status.SUCCEEDED and not is_there(newest)):
        return {}
    return operation_context(newest)


def open_file(of: str, person: Any, *, actor: Actor) -> BinaryIO:
    """The newest file of somebody, which is told in the log; NotFoundError where there is none."""
    for operation in _exports(str(person.uuid)).filter(status=Operation.Status.SUCCEEDED):
        try:
            file = file_of(operation).open("rb")
        except OSError:
            continue
        _tell_taken(person, actor)
        return file
    raise NotFoundError(_("There is no file of this person’s data. Export the data first."))


def file_of(operation: Operation) -> Path:
    """Where the file of an operation of the current schema lies, while it is kept."""
    return _folder() / f"{operation.uuid}{_ENDING}"


def is_there(operation: Operation) -> bool:
    """Whether its file can be taken."""
    return operation.status == Operation.Status.SUCCEEDED and file_of(operation).exists()


def file_url(operation: Operation) -> str:
    """The admin's address of the file; empty once the person is gone."""
    kind = kind_of_person(operation.params["of"])
    person = kind.find(operation.subject_id)
    return reverse(kind.file_page, args=[person.pk]) if person else ""


def forget_files_of(person: str) -> None:
    """Delete all files of somebody, who is erased."""
    for operation in _exports(person):
        file_of(operation).unlink(missing_ok=True)


def forget_old_files() -> None:
    """Delete files of the current schema that are past their time."""
    before = (timezone.now() - KEPT).timestamp()
    for file in _folder().glob("*"):
        try:
            if file.stat().st_mtime < before:
                file.unlink()
        except FileNotFoundError:
            continue


@transaction.atomic
def _tell_taken(person: Any, actor: Actor) -> None:
    events.record("person.exported", actor=actor, subject=subject_of(person))


def _subject(of: str, person: Any) -> Subject:
    """By what may be told of them after they are erased."""
    return Subject(of, str(person.uuid), kind_of_person(of).label(person))


def _exports(person: str) -> Any:
    return Operation.objects.filter(name=EXPORT, subject_id=person).order_by("-created_at")


def _folder() -> Path:
    return tenancy_files.folder_of(current_schema()) / "people"
