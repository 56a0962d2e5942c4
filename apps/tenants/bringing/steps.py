"""The operation that makes a tenant of a file: all of it is read first, then brought in at once."""

import threading
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.urls import reverse
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from apps.core.exceptions import DomainError
from apps.core.languages import speaking
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.operations.exceptions import HoldError, StepError
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from apps.tenancy.exceptions import PlaceTakenError
from apps.tenancy.models import Tenant
from apps.tenancy.transfer.exporting import Progress
from apps.tenancy.transfer.importing import Imported, import_archive, look_into, read_through
from apps.tenants.adopting import PERMISSION
from apps.tenants.bringing.services import PIPELINE, file_named, remove
from apps.transfers.progress import Told

_LOOK_EVERY_S = 0.2


class CheckFile(Step):
    """Nothing is made of a file that is cut or altered, or has no place here."""

    key, title = "check", gettext_noop("Read the file from end to end")
    deadline_s = 6 * 60 * 60

    def run(self, run: Run) -> None:
        """StepError says what is wrong with it."""
        file, told = file_named(run.params["file"]), Told(run)
        look_into(file, slug=run.params["slug"])
        read_through(file, told)
        run.log(told.said)


class BringIn(Step):
    """One transaction, on a connection of its own, so that how far it is can be told."""

    key, title = "import", gettext_noop("Bring the data in")
    deadline_s = 6 * 60 * 60

    def check(self, run: Run) -> bool:
        """Whether who was lost on the way had made it."""
        return _made(run) is not None

    def run(self, run: Run) -> None:
        """StepError says why nothing was made."""
        if "tenant" not in run.memory:
            run.remember(tenant=str(uuid4()))
        bringing = _Bringing(run)
        bringing.start()
        try:
            bringing.follow(run)
        finally:
            # Whatever ends this: nobody else brings it in before this try is over.
            bringing.stop()
        done = bringing.outcome(run)
        if done is not None:
            run.remember(rows=done.rows)
            for note in done.notes:
                run.log(note)


class _Stopped(Exception):
    """It is to make nothing more."""


class _Bringing(threading.Thread):
    """The import, which commits by itself."""

    def __init__(self, run: Run) -> None:
        super().__init__(name="import", daemon=True)
        self._file = file_named(run.params["file"])
        self._slug: str = run.params["slug"]
        self._uuid = UUID(run.memory["tenant"])
        # A thread of its own begins in no language.
        self._language = get_language() or ""
        self._is_unwanted = threading.Event()
        self._progress = Progress("", 0, 0, 0, 0)
        self._done: Imported | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        """All of it or nothing."""
        try:
            with speaking(self._language):
                self._done = import_archive(
                    self._file, slug=self._slug, uuid=self._uuid, report=self._note
                )
        except _Stopped:
            return
        except Exception as error:
            self._error = error
        finally:
            connection.close()

    def _note(self, progress: Progress) -> None:
        if self._is_unwanted.is_set():
            raise _Stopped
        self._progress = progress

    def follow(self, run: Run) -> None:
        """Tell how far it is until it ends, somebody cancels it, or the lease is lost."""
        told = Told(run)
        while self.is_alive():
            self.join(_LOOK_EVERY_S)
            told(self._progress)
            if Operation.objects.filter(pk=run.operation.pk).exclude(cancel_asked_at=None).exists():
                return

    def stop(self) -> None:
        """Have it end, and wait for that; what is committed by then stays."""
        self._is_unwanted.set()
        self.join()

    def outcome(self, run: Run) -> Imported | None:
        """What came; None where an earlier try had brought it in. HoldError where it was ended."""
        if isinstance(self._error, PlaceTakenError) and _made(run) is not None:
            return None
        if isinstance(self._error, DomainError):
            raise StepError(self._error.message) from self._error
        if self._error is not None:
            raise self._error
        if self._done is None:
            raise HoldError(_("It is being cancelled; nothing was brought in."), seconds=0)
        return self._done


def _made(run: Run) -> Tenant | None:
    """The tenant that this operation has made."""
    return Tenant.objects.filter(uuid=run.memory.get("tenant")).first()


def _settle(run: Run, status: str) -> None:
    """What is in holds people's data: the file goes."""
    tenant = _made(run)
    if status != Operation.Status.SUCCEEDED or tenant is None:
        return
    operation = run.operation
    actor = Actor(operation.actor_kind, operation.actor_id, operation.actor_label)
    about = Subject("tenancy.tenant", str(tenant.uuid), operation.subject_label)
    data = {"schema": tenant.schema_name, "rows": run.memory.get("rows", 0)}
    events.record("tenant.imported", actor=actor, subject=about, data=data)
    try:
        remove(run.params["file"])
    except DomainError:
        # It went before, by a worker that was lost here.
        return


def _after(operation: Operation) -> dict[str, Any]:
    page = reverse("admin:tenants_organisation_adopt")
    return {
        "next_url": f"{page}?slug={operation.params['slug']}",
        "next_label": _("Make it an organisation"),
        "next_text": _("Then it belongs to nobody until you make it a customer."),
    }


register(
    Pipeline(
        PIPELINE,
        gettext_noop("Import {subject}"),
        (CheckFile, BringIn),
        settle=_settle,
        after=_after,
        asks=lambda _operation: PERMISSION,
    )
)
