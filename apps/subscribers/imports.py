"""Bringing subscribers by file: receive, check, write, take back."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from django.db import Error, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError, DomainError
from apps.core.languages import grouped
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor
from apps.operations import services as operations
from apps.subscribers.exceptions import FileRefusedError
from apps.subscribers.importing.layout import Layout, find_layout, read_rows
from apps.subscribers.importing.rows import (
    BATCH,
    Made,
    check_again,
    check_batch,
    plans_by_name,
    write_batch,
)
from apps.subscribers.models import (
    ImportRow,
    Service,
    ServiceAddress,
    ServiceStateChange,
    Subscriber,
    SubscriberImport,
)
from apps.subscribers.services import facts_of, tell_created
from apps.tenancy.files import folder_of
from apps.tenancy.kinds import current_labels, current_schema

CHECK, WRITE = "subscribers.check_import", "subscribers.import"
# Files up to here are checked while the person waits.
SMALL_ROWS, SMALL_BYTES = 2000, 2 * 1024 * 1024
MOST_BYTES = 200 * 1024 * 1024
_KEPT = timedelta(days=7)
_Status = SubscriberImport.Status
Atomic = Callable[[], AbstractContextManager[None]]


class Upload(Protocol):
    """A file as a form brings it."""

    name: str | None

    def chunks(self) -> Iterable[bytes]:
        """Its bytes, piece by piece."""


def receive_file(upload: Upload, *, actor: Actor) -> SubscriberImport:
    """Store a list and check it: a small one at once, a large one as an operation.

    FileRefusedError when it is too large; what else is wrong with it is in the import's `cause`.
    """
    name = (upload.name or "list.csv")[-200:]
    source = SubscriberImport(filename=name, created_by=actor.label)
    is_small = _store(upload, file_of(source))
    try:
        with transaction.atomic():
            source.save()
            facts = {"filename": source.filename}
            events.record("subscriber_import.uploaded", actor=actor, subject=source, data=facts)
            if not is_small:
                operations.start(CHECK, subject=source, actor=actor)
    except Error:
        # A file whose row could not be written is nobody's, and nobody would delete it.
        file_of(source).unlink(missing_ok=True)
        raise
    if is_small:
        check_now(source)
    return source


def import_now(upload: Upload, *, actor: Actor) -> SubscriberImport:
    """Check and write a list in the caller's time, all of it or nothing: for commands.

    FileRefusedError or ConflictError says why nothing was imported.
    """
    source = SubscriberImport(filename=(upload.name or "list.csv")[-200:], created_by=actor.label)
    _store(upload, file_of(source))
    with transaction.atomic():
        source.save()
        check_now(source)
        if source.cause:
            raise FileRefusedError(source.cause)
        if source.error_rows:
            bad = source.rows.filter(is_good=False)[0]
            raise ConflictError(
                _("Row %(row)s is in error: %(errors)s")
                % {"row": bad.row, "errors": bad.errors[0]["message"]}
            )
        source.move_to(_Status.IMPORTING)
        for _made in write_rows(source, atomic=transaction.atomic):
            pass
        close_import(source, is_done=True, cause="")
    return source


@transaction.atomic
def start_import(source: SubscriberImport, *, mode: str, actor: Actor) -> None:
    """Write the checked rows, as an operation; ConflictError when there is nothing to write.

    With SubscriberImport.Mode.ALL_OR_NOTHING no row may be in error.
    """
    if mode not in SubscriberImport.Mode.values:
        raise DomainError(_("Choose what happens to rows in error."), field="mode")
    if source.good_rows == 0:
        raise ConflictError(_("No row can be imported. Correct the file and upload it again."))
    if mode == SubscriberImport.Mode.ALL_OR_NOTHING and source.error_rows:
        raise ConflictError(
            _(
                "%(error_rows)s rows are in error, so nothing was imported. Correct "
                "them, or choose to leave them out."
            )
            % {"error_rows": grouped(source.error_rows)},
            field="mode",
        )
    source.move_to(_Status.IMPORTING, mode=mode, cause="")
    operations.start(WRITE, subject=source, actor=actor)


def file_of(source: SubscriberImport) -> Path:
    """Where the file of an import lies: apart for each schema."""
    return folder_of(current_schema()) / "imports" / f"{source.uuid}.csv"


def check_now(source: SubscriberImport) -> None:
    """Check a file in the caller's time; a file that cannot be read becomes refused."""
    try:
        find_and_keep_layout(source)
        for _rows in check_rows(source, atomic=transaction.atomic):
            pass
    except FileRefusedError as error:
        source.move_to(_Status.REFUSED, cause=error.message)
    else:
        source.move_to(_Status.CHECKED)


def find_and_keep_layout(source: SubscriberImport) -> Layout:
    """The layout of the file, found once; FileRefusedError when it has none."""
    if not source.layout:
        path = file_of(source)
        if not path.exists():
            raise _file_is_gone()
        source.layout = find_layout(path).as_json()
        SubscriberImport.objects.filter(pk=source.pk).update(layout=source.layout)
    return Layout(**source.layout)


def _file_is_gone() -> FileRefusedError:
    """Not there any more: backups hold no lists that were only on their way in."""
    return FileRefusedError(_("The file is not there any more. Upload it again."))


def check_rows(source: SubscriberImport, *, atomic: Atomic) -> Iterator[int]:
    """Check the rows that are not checked yet, a batch a transaction; yields the rows so far."""
    layout, plans = find_and_keep_layout(source), plans_by_name()
    if not file_of(source).exists():
        raise _file_is_gone()
    lines = read_rows(file_of(source), layout, after=source.checked_row)
    while chunk := list(islice(lines, BATCH)):
        with atomic():
            batch = check_batch(source, layout, chunk, plans)
            ImportRow.objects.bulk_create(batch.rows)
            _count(
                source,
                total_rows=len(chunk),
                error_rows=sum(not row.is_good for row in batch.rows),
                checked_row=chunk[-1][0] - source.checked_row,
            )
        yield source.total_rows
    if source.total_rows == 0:
        raise FileRefusedError(_("Below the header there are no rows, so nobody can be imported."))


def write_rows(source: SubscriberImport, *, atomic: Atomic) -> Iterator[int]:
    """Write the good rows that are not written yet; yields the subscribers made so far.

    A row that became an error since the check raises ConflictError where none may be left out.
    """
    layout, plans = Layout(**source.layout), plans_by_name()
    good = source.rows.filter(is_good=True).order_by("row")
    while rows := list(good.filter(row__gt=source.written_row)[:BATCH]):
        with atomic():
            batch = check_again(layout, rows, plans)
            bad = [row for row in rows if not row.is_good]
            ImportRow.objects.bulk_update(bad, ["errors", "is_good"])
            _count(source, error_rows=len(bad))
            is_refused = bool(bad) and source.mode == SubscriberImport.Mode.ALL_OR_NOTHING
            if not is_refused:
                _write(source, batch_rows=rows, made=write_batch(source, batch, plans))
        if is_refused:
            raise ConflictError(
                _(
                    "%(count)s rows became errors since the check, the first in row %(row)s: "
                    "%(errors)s Nothing was imported."
                )
                % {
                    "count": grouped(len(bad)),
                    "row": bad[0].row,
                    "errors": bad[0].errors[0]["message"],
                }
            )
        yield source.created_rows


def take_back_rows(source: SubscriberImport, *, atomic: Atomic) -> None:
    """Delete the subscribers that an import made, a batch a transaction."""
    people = Subscriber.objects.filter(source_import=source).order_by("pk")
    while batch := list(people[:BATCH]):
        ids = [person.pk for person in batch]
        with atomic():
            _tell_removed(batch, _actor_of(source))
            ServiceStateChange.objects.filter(service__subscriber__in=ids).delete()
            Service.objects.filter(subscriber__in=ids).delete()
            ServiceAddress.objects.filter(subscriber__in=ids).delete()
            Subscriber.objects.filter(pk__in=ids).delete()
    with atomic():
        SubscriberImport.objects.filter(pk=source.pk).update(written_row=0, created_rows=0)


def _tell_removed(people: list[Subscriber], actor: Actor) -> None:
    """Whoever heard that they came hears that they went."""
    services = Service.objects.filter(subscriber__in=people).order_by("pk")
    gone = services.select_related("subscriber", "plan_version__plan")
    events.record_many("service.removed", [(one, {}) for one in gone], actor=actor)
    events.record_many("subscriber.removed", [(one, {}) for one in people], actor=actor)


def close_check(source: SubscriberImport, cause: str) -> None:
    """Say what became of a check that ran as an operation."""
    if cause:
        source.move_to(_Status.REFUSED, cause=cause)
    else:
        source.move_to(_Status.CHECKED)


def close_import(source: SubscriberImport, *, is_done: bool, cause: str) -> None:
    """Say what became of the writing; what is no more needed of the file goes."""
    if not is_done:
        source.move_to(_Status.CHECKED, cause=cause or _("The import was cancelled."))
        return
    source.move_to(_Status.IMPORTED, finished_at=timezone.now())
    source.rows.filter(is_good=True)._raw_delete(source.rows.db)
    facts = {"rows": source.created_rows, "left_out": source.error_rows}
    events.record("subscriber_import.imported", actor=SYSTEM, subject=source, data=facts)
    transaction.on_commit(partial(file_of(source).unlink, missing_ok=True))


def _write(source: SubscriberImport, *, batch_rows: list[ImportRow], made: Made) -> None:
    """Note a batch that is written, with its event, and those of each row that it made."""
    first, last, count = batch_rows[0].row, batch_rows[-1].row, len(made.people)
    _count(source, created_rows=count, written_row=last - source.written_row)
    facts = {"import": str(source.uuid), "first_row": first, "last_row": last, "count": count}
    actor = _actor_of(source)
    events.record("subscribers.imported", actor=actor, subject=source, data=facts)
    tell_created(made.people, actor=actor)
    told = [(one, facts_of(one)) for one in made.services]
    events.record_many("service.created", told, actor=actor)


def _actor_of(source: SubscriberImport) -> Actor:
    return Actor("user", label=source.created_by)


def _count(source: SubscriberImport, **more: int) -> None:
    """Add to the counters, in the row and in the database alike."""
    changes = {name: F(name) + by for name, by in more.items()}
    SubscriberImport.objects.filter(pk=source.pk).update(**changes)
    for name, by in more.items():
        setattr(source, name, getattr(source, name) + by)


def _store(upload: Upload, path: Path) -> bool:
    """Write the file; returns whether it is small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = lines = 0
    try:
        with path.open("wb") as file:
            for chunk in upload.chunks():
                size += len(chunk)
                lines += chunk.count(b"\n") or chunk.count(b"\r")
                file.write(chunk)
                if size > MOST_BYTES:
                    break
    except OSError:
        # Half a file, of a disk that is full.
        path.unlink(missing_ok=True)
        raise
    if size > MOST_BYTES:
        path.unlink()
        raise FileRefusedError(
            _("The file is larger than %(most)s MB. Divide the list into several.")
            % {"most": MOST_BYTES // 1024**2}
        )
    return lines <= SMALL_ROWS + 1 and size <= SMALL_BYTES


def forget_old() -> None:
    """Delete lists that nobody imported within a week, with their files."""
    if "subscribers" not in current_labels():
        return
    old = SubscriberImport.objects.filter(
        created_at__lt=timezone.now() - _KEPT, status__in=[_Status.CHECKED, _Status.REFUSED]
    )
    for source in old.iterator():
        file_of(source).unlink(missing_ok=True)
        source.delete()


def ignored_headings(source: SubscriberImport) -> list[str]:
    """Headings of the file that mean nothing to the import."""
    return Layout(**source.layout).ignored if source.layout else []
