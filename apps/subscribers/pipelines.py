"""Checking and writing large lists of subscribers in steps."""

from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.core.exceptions import DomainError
from apps.core.languages import grouped
from apps.operations.exceptions import StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.subscribers import imports
from apps.subscribers.models import SubscriberImport

_LOG_EVERY = 10_000


class ReadFile(Step):
    """Find encoding, delimiter and columns."""

    key, title = "read", gettext_noop("Read the file")
    deadline_s = 600

    def run(self, run: Run) -> None:
        """Read the file once through."""
        layout = imports.find_and_keep_layout(_source_of(run))
        known = ", ".join(filter(None, layout.columns))
        run.log(
            _("The file is %(encoding)s; its columns: %(known)s.")
            % {"encoding": layout.encoding, "known": known}
        )


class CheckRows(Step):
    """Look at every row and keep what is wrong."""

    key, title = "check", gettext_noop("Check every row")
    deadline_s = 3600

    def run(self, run: Run) -> None:
        """Go on after the last row that was checked."""
        source = _source_of(run)
        if source.status != SubscriberImport.Status.UPLOADED:
            run.log(_("Every row was checked before."))
            return
        for checked in imports.check_rows(source, atomic=run.atomic):
            _tell(run, checked, _("rows checked"))
        run.log(
            _("%(total_rows)s rows, %(error_rows)s of them in error.")
            % {"total_rows": grouped(source.total_rows), "error_rows": grouped(source.error_rows)}
        )


class WriteRows(Step):
    """Make the subscribers."""

    key, title = "write", gettext_noop("Write the subscribers")
    deadline_s = 3600

    def run(self, run: Run) -> None:
        """Go on after the last row that was written."""
        source = _source_of(run)
        if source.status == SubscriberImport.Status.CHECKED:
            source.move_to(SubscriberImport.Status.IMPORTING)
        try:
            for made in imports.write_rows(source, atomic=run.atomic):
                _tell(run, made, _("subscribers made"))
        except IntegrityError as error:
            message = _("Somebody else took a number or a user name of this list just now.")
            raise StepError(message, permanent=False, detail=str(error)) from error
        run.log(
            _("%(created_rows)s subscribers made.") % {"created_rows": grouped(source.created_rows)}
        )

    def undo(self, run: Run) -> None:
        """Delete what was made: all of the list, or nothing."""
        imports.take_back_rows(_source_of(run), atomic=run.atomic)


def _settle_check(run: Run, status: str) -> None:
    is_done = status == Operation.Status.SUCCEEDED
    cause = "" if is_done else run.operation.cause or _("The check was cancelled.")
    imports.close_check(_source_of(run), cause)


def _settle_import(run: Run, status: str) -> None:
    is_done = status == Operation.Status.SUCCEEDED
    imports.close_import(_source_of(run), is_done=is_done, cause=run.operation.cause)


def _source_of(run: Run) -> SubscriberImport:
    source = SubscriberImport.objects.filter(uuid=run.operation.subject_id).first()
    if source is None:
        raise DomainError(_("The list is not there any more. Upload it again."))
    return source


def _tell(run: Run, count: int, what: str) -> None:
    if count % _LOG_EVERY == 0:
        run.log(f"{grouped(count)} {what}.")


register(
    Pipeline(
        imports.CHECK,
        gettext_noop("Check {subject}"),
        (ReadFile, CheckRows),
        settle=_settle_check,
        asks=lambda _operation: "subscribers.transfer",
    )
)
register(
    Pipeline(
        imports.WRITE,
        gettext_noop("Import {subject}"),
        (ReadFile, CheckRows, WriteRows),
        settle=_settle_import,
        asks=lambda _operation: "subscribers.transfer",
    )
)
