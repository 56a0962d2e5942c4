"""The steps in which somebody's file is written, and in which somebody is erased."""

import json
import os
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from apps.accounts.personal import empty_log, parts_of
from apps.accounts.personal_kinds import PersonKind, kind_of_person
from apps.core.languages import grouped
from apps.events.actors import Actor
from apps.operations.exceptions import StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.transfers.people.services import (
    ERASE,
    EXPORT,
    KEPT,
    file_of,
    file_url,
    forget_files_of,
    is_there,
)


class WriteFile(Step):
    """All rows about somebody; begun again it writes them anew."""

    key, title = "write", gettext_noop("Write what is held into a file")
    deadline_s = 60 * 60

    def run(self, run: Run) -> None:
        """StepError where the person is gone, or there is no room."""
        kind = kind_of_person(run.params["of"])
        person = kind.find(run.operation.subject_id)
        if person is None:
            raise StepError(_("This person is not here any more."))
        data = kind.data(person, lambda done, of_all: _tell(run, done, of_all))
        path = file_of(run.operation)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(path, data)
        except OSError as error:
            said = {"error": error.strerror or type(error).__name__}
            raise StepError(_("The file could not be written: %(error)s.") % said) from error

    def undo(self, run: Run) -> None:
        """Nothing of it stays."""
        file_of(run.operation).unlink(missing_ok=True)


class Close(Step):
    """They can do nothing more, and nothing was begun since that keeps them here."""

    key, title = "close", gettext_noop("Close what the person can open")

    def run(self, run: Run) -> None:
        """ConflictError says what has to end first."""
        with run.atomic():
            for kind, person in _whole(run):
                kind.close(person, _actor(run))


class EmptyLog(Step):
    """While the person is known by address and number; what follows names ids alone."""

    key, title = "log", gettext_noop("Take the person out of the event log")
    deadline_s = 30 * 60

    def run(self, run: Run) -> None:
        """The log stays proven."""
        with run.atomic():
            count = empty_log(list(_whole(run)), actor=_actor(run))
        text = ngettext("%(count)s event was emptied.", "%(count)s events were emptied.", count)
        run.log(text % {"count": grouped(count)})


class EraseRows(Step):
    """One kind of rows after another; the person's own row is the last of its kind."""

    key, title = "rows", gettext_noop("Erase what is held of the person")
    deadline_s = 30 * 60

    def run(self, run: Run) -> None:
        """Begun again it goes on with what is left."""
        people = list(_whole(run))
        parts = [(person, part) for kind, person in people for part in parts_of(kind.of, person)]
        for number, (person, part) in enumerate(parts, start=1):
            with run.atomic():
                uuid, rows = str(person.uuid), part()
                counts = run.memory.get("rows", {})
                run.remember(rows={**counts, uuid: counts.get(uuid, 0) + rows})
            _tell(run, number, len(parts))


def _tell(run: Run, done: int, of_all: int) -> None:
    run.assert_held()
    said = {"done": grouped(done), "total": grouped(of_all)}
    run.tell(done, of_all, _("%(done)s of %(total)s kinds of rows") % said)


def _write(path: Any, data: dict[str, Any]) -> None:
    """Whole or not at all, for nobody else to read."""
    part = path.with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(data, file, indent=2, ensure_ascii=False)
    part.replace(path)


def _whole(run: Run) -> Iterator[tuple[PersonKind, Any]]:
    """Those who are still here of all that the person is."""
    for of, uuid in run.params["whole"]:
        kind = kind_of_person(of)
        person = kind.find(uuid)
        if person is not None:
            yield kind, person


def _actor(run: Run) -> Actor:
    operation = run.operation
    return Actor(operation.actor_kind, operation.actor_id, operation.actor_label)


def _settle_erasure(run: Run, status: str) -> None:
    """Tell that they are gone, once: their files go with them."""
    if status != Operation.Status.SUCCEEDED:
        return
    for of, uuid in run.params["whole"]:
        label = run.operation.subject_label if uuid == run.operation.subject_id else uuid[:8]
        rows = run.memory.get("rows", {}).get(uuid, 0)
        kind_of_person(of).erased(uuid, label=label, rows=rows, actor=_actor(run))
        forget_files_of(uuid)


def _after_export(operation: Operation) -> dict[str, Any]:
    if not is_there(operation):
        text = ngettext(
            "Then you can download the file for %(days)s day.",
            "Then you can download the file for %(days)s days.",
            KEPT.days,
        )
        return {"next_text": text % {"days": KEPT.days}}
    return {"next_url": file_url(operation), "next_label": _("Download the file")}


def _asks(operation: Operation) -> str:
    return kind_of_person(operation.params["of"]).permission


register(
    Pipeline(
        EXPORT,
        gettext_noop("Export personal data of {subject}"),
        (WriteFile,),
        after=_after_export,
        asks=_asks,
    )
)
register(
    Pipeline(
        ERASE,
        gettext_noop("Erase the person {subject}"),
        (Close, EmptyLog, EraseRows),
        settle=_settle_erasure,
        can_cancel=False,
        asks=_asks,
    )
)
