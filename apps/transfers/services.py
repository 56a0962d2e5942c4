"""Asking for a tenant's data as a file, and taking the file."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.core.exceptions import NotFoundError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.tenancy import files as tenancy_files
from apps.tenancy.kinds import current_schema, operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.transfer.archive import parts_of

PIPELINE = "transfers.export"
KEPT = timedelta(days=7)
_ENDING = ".dotmac"
# More than anybody asks for within the days that a file is kept.
_SHOWN = 10


@dataclass(frozen=True)
class Export:
    """A file that was asked for: its operation, its bytes, and until when it is kept."""

    operation: Operation
    size: int
    until: datetime | None

    @property
    def is_there(self) -> bool:
        """Whether it can be downloaded."""
        return self.until is not None


@transaction.atomic
def start_export(tenant: Tenant, *, permission: str, actor: Actor) -> Operation:
    """Write a tenant into a file, as an operation of the current schema; BusyError while one does.

    `permission` is what it takes here, to repeat and to download it too.
    """
    params = {"schema": tenant.schema_name, "permission": permission}
    return operations.start(PIPELINE, subject=subject_of(tenant), actor=actor, params=params)


def tenant_here() -> Tenant:
    """The tenant of the current schema."""
    return Tenant.objects.get(schema_name=current_schema())


def subject_of(tenant: Tenant) -> Subject:
    """A tenant as what something happens to, whose schema is a part of its name."""
    return Subject("tenancy.tenant", str(tenant.uuid), f"{tenant.name} ({tenant.schema_name})")


def exports_of(*tenants: Tenant) -> list[Export]:
    """What was asked for in the current schema of late, the newest first."""
    ids = [str(tenant.uuid) for tenant in tenants]
    rows = Operation.objects.filter(name=PIPELINE, subject_id__in=ids)
    return [export_of(row) for row in rows.order_by("-created_at")[:_SHOWN]]


def file_of(operation: Operation) -> Path:
    """Where the file of an operation of the current schema lies, while it is kept."""
    return folder_of(current_schema()) / f"{operation.uuid}{_ENDING}"


def name_of(operation: Operation) -> str:
    """What the file is called where it is downloaded."""
    return f"{operation.params['schema']}-{operation.created_at:%Y-%m-%d}{_ENDING}"


def open_file(operation: Operation, *, actor: Actor) -> BinaryIO:
    """The file, to be taken along, which is told in the log; NotFoundError once it is gone."""
    if operation.name != PIPELINE or operation.status != Operation.Status.SUCCEEDED:
        raise NotFoundError(_("There is no such file."))
    try:
        file = file_of(operation).open("rb")
    except OSError:
        raise NotFoundError(_("This file is not kept any more. Export the data again.")) from None
    _tell(operation, "tenant.export_downloaded", actor, {"operation": str(operation.uuid)})
    return file


@transaction.atomic
def note_export(operation: Operation, *, rows: int, size: int) -> None:
    """Tell that a file was made, in the caller's transaction that ends its operation."""
    actor = Actor(operation.actor_kind, operation.actor_id, operation.actor_label)
    _tell(operation, "tenant.exported", actor, {"rows": rows, "bytes": size})


def forget_files() -> None:
    """Delete files of the current schema that are past their time, and what was left unfinished."""
    before = (timezone.now() - KEPT).timestamp()
    for file in folder_of(current_schema()).glob("*"):
        try:
            if file.stat().st_mtime < before:
                file.unlink()
        except FileNotFoundError:
            continue


def forget_files_of(schema: str) -> None:
    """Delete what the operator had written of a schema; what lies in its own folder goes with it.

    At once, as that does. A file that goes without its schema can be asked for again.
    """
    with operator():
        asked = Operation.objects.filter(name=PIPELINE, params__schema=schema)
        for operation in asked:
            file_of(operation).unlink(missing_ok=True)
            for part in parts_of(file_of(operation)):
                part.unlink(missing_ok=True)


@transaction.atomic
def _tell(operation: Operation, type: str, actor: Actor, data: dict[str, object]) -> None:
    """An event where it was asked for, and in the tenant itself, whose people read of it too."""
    about = Subject(operation.subject_type, operation.subject_id, operation.subject_label)
    events.record(type, actor=actor, subject=about, data=data)
    schema = operation.params["schema"]
    if schema != current_schema():
        with schema_of(schema):
            events.record(type, actor=actor, subject=about, data=data)


def export_of(operation: Operation) -> Export:
    """What became of an export's operation, and of its file."""
    try:
        found = file_of(operation).stat()
    except OSError:
        return Export(operation, int(operation.memory.get("bytes", 0)), None)
    if operation.status != Operation.Status.SUCCEEDED:
        return Export(operation, 0, None)
    return Export(operation, found.st_size, (operation.finished_at or timezone.now()) + KEPT)


def folder_of(schema: str) -> Path:
    """Where the files lie that were asked for in a schema."""
    return tenancy_files.folder_of(schema) / "exports"
