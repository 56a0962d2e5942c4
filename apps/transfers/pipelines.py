"""The operation that writes a tenant into a file; others are in `people` and `record`."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.operations.exceptions import StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.tenancy.exceptions import NoSchemaError
from apps.tenancy.transfer.exporting import export_schema, tenant_named
from apps.transfers.people import steps as people
from apps.transfers.progress import Told
from apps.transfers.record import steps as record
from apps.transfers.services import PIPELINE, file_of, note_export

__all__ = ["people", "record"]


class WriteFile(Step):
    """One snapshot, table by table; begun again it writes another one."""

    key, title = "write", gettext_noop("Write the data into a file")
    deadline_s = 6 * 60 * 60

    def run(self, run: Run) -> None:
        """StepError where the schema or the room for the file is missing."""
        path = file_of(run.operation)
        told = Told(run)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            export_schema(tenant_named(run.params["schema"]), path, told)
        except NoSchemaError:
            raise StepError(_("This tenant’s data is not in this database any more.")) from None
        except OSError as error:
            raise StepError(
                _("The file could not be written: %(error)s.")
                % {"error": error.strerror or type(error).__name__}
            ) from error
        run.log(told.said)
        run.remember(rows=told.last.rows, bytes=path.stat().st_size)

    def undo(self, run: Run) -> None:
        """Nothing of it stays."""
        file_of(run.operation).unlink(missing_ok=True)


def _settle(run: Run, status: str) -> None:
    if status == Operation.Status.SUCCEEDED:
        memory = run.memory
        note_export(run.operation, rows=memory["rows"], size=memory["bytes"])


def _after(operation: Operation) -> dict[str, Any]:
    """The file, once it is there."""
    if operation.status != Operation.Status.SUCCEEDED or not file_of(operation).exists():
        return {"next_text": _("Then you can download the file here for seven days.")}
    return {
        "next_url": reverse("admin:export_file", args=[operation.uuid]),
        "next_label": _("Download the file"),
    }


register(
    Pipeline(
        PIPELINE,
        gettext_noop("Export the data of {subject}"),
        (WriteFile,),
        settle=_settle,
        after=_after,
        asks=lambda operation: str(operation.params["permission"]),
    )
)
