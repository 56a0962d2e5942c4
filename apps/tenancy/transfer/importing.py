"""Making a tenant of an archive: checked against what is here, all of it or nothing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from apps.tenancy.constants import RESERVED_SLUGS, SLUG_PATTERN, SLUG_RULE
from apps.tenancy.exceptions import (
    DamagedArchiveError,
    ForeignArchiveError,
    PlaceTakenError,
    SchemaExistsError,
)
from apps.tenancy.kinds import (
    PREFIXES,
    PUBLIC,
    WORKSPACE,
    app_labels,
    kind_of,
    operator,
    schema_exists,
    schema_name,
    schema_of,
)
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.services import make_schema, register_tenant
from apps.tenancy.templates import template_sql
from apps.tenancy.transfer.archive import ArchiveReader
from apps.tenancy.transfer.exporting import Progress, Report, quiet
from apps.tenancy.transfer.loading import load
from apps.tenancy.transfer.manifest import Manifest
from apps.tenancy.transfer.registry import Arrival, luggage, settle
from apps.tenancy.transfer.states import (
    bring_up,
    is_newest,
    rebuild_at,
    refuse_unknown,
)


@dataclass(frozen=True)
class Imported:
    """What came: the tenant, how much, whether it was of an older release, and what to know."""

    tenant: Tenant
    host: str
    rows: int
    was_older: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """What an archive says of itself, and what it would become here."""

    manifest: Manifest
    tenant: Tenant
    host: str


def look_into(path: Path, *, slug: str = "") -> Look:
    """What would be made of an archive, and nothing of it is; its rows are not read.

    DamagedArchiveError, ForeignArchiveError or PlaceTakenError says why it could not be.
    """
    with path.open("rb") as file:
        manifest = ArchiveReader(file, path.stat().st_size).manifest
    tenant, host = _place_of(manifest, slug)
    refuse_unknown(manifest.applied)
    return Look(manifest, tenant, host)


def read_through(path: Path, report: Report = quiet) -> None:
    """Read an archive from end to end; DamagedArchiveError where a byte is not as written."""
    with path.open("rb") as file:
        archive = ArchiveReader(file, path.stat().st_size)
        all_tables, rows, size = len(archive.manifest.tables), 0, 0
        for number, (table, pieces) in enumerate(archive.tables()):
            for piece in pieces:
                size += len(piece)
                report(Progress(table.name, number, all_tables, rows, size))
            rows += table.rows


def import_archive(
    path: Path, *, slug: str = "", uuid: UUID | None = None, report: Report = quiet
) -> Imported:
    """Make the tenant of an archive, under its own slug or another, in one transaction.

    By `uuid`, its id, whoever is killed on the way finds whether it was made.
    DamagedArchiveError, ForeignArchiveError or PlaceTakenError says why nothing was made; where
    the process dies nothing was made either.
    """
    with path.open("rb") as file:
        archive = ArchiveReader(file, path.stat().st_size)
        manifest = archive.manifest
        tenant, host = _place_of(manifest, slug)
        tenant.uuid = uuid or tenant.uuid
        # Where this release has no template yet, it is made outside of the transaction.
        template_sql(tenant.kind)
        with operator(), _told_plainly(tenant), transaction.atomic():
            register_tenant(tenant, host=host)
            make_schema(tenant.schema_name)
            was_older = _fill(archive, tenant.schema_name, report)
            arrival = Arrival(manifest, tenant.schema_name, archive.digest)
            with schema_of(tenant.schema_name):
                for name, one in luggage().items():
                    one.unpack(arrival, manifest.luggage.get(name))
                settle(arrival, app_labels(tenant.kind))
    return Imported(tenant, host, manifest.rows, was_older, tuple(arrival.notes))


def _fill(archive: ArchiveReader, schema: str, report: Report) -> bool:
    """Bring the rows in and the schema to this release; whether it was of an older one."""
    applied = archive.manifest.applied
    was_older = not is_newest(schema, applied)
    if was_older:
        refuse_unknown(applied)
        rebuild_at(schema, applied)
    with connection.cursor() as cursor:
        load(cursor, archive, schema, report)
    if was_older:
        bring_up(schema)
    return was_older


def _place_of(manifest: Manifest, slug: str) -> tuple[Tenant, str]:
    """The tenant that would be made and its host; PlaceTakenError where somebody has one of it."""
    kind = manifest.kind
    if kind == PUBLIC or kind not in settings.TENANT_TYPES:
        raise ForeignArchiveError(
            _("This installation has no tenants of the kind “%(kind)s”.") % {"kind": kind}
        )
    if not _is_of(manifest.schema_name, kind):
        said = {"schema": manifest.schema_name, "kind": kind}
        raise DamagedArchiveError(_("The schema %(schema)s is none of a %(kind)s.") % said)
    wanted = slug or manifest.slug
    if not re.match(SLUG_PATTERN, wanted) or wanted in RESERVED_SLUGS:
        raise PlaceTakenError(
            _("“%(slug)s” cannot be the slug of a tenant: %(rule)s, and no name of the platform.")
            % {"slug": wanted, "rule": SLUG_RULE}
        )
    is_own = wanted == manifest.slug
    schema = manifest.schema_name if is_own else schema_name(kind, wanted)
    domain = settings.APPS_DOMAIN if kind == WORKSPACE else settings.BASE_DOMAIN
    tenant = Tenant(schema_name=schema, kind=kind, slug=wanted, name=manifest.name[:120])
    _refuse_taken(tenant, f"{wanted}.{domain}")
    return tenant, f"{wanted}.{domain}"


def _is_of(schema: str, kind: str) -> bool:
    """Whether a schema's name is one that a tenant of a kind can have, and no template's."""
    return PREFIXES.get(schema[:2]) == kind and schema[2:3].isalnum() and kind_of(schema) == kind


def _refuse_taken(tenant: Tenant, host: str) -> None:
    with operator():
        rows = Tenant.objects.filter(kind=tenant.kind, slug=tenant.slug)
        if rows.exists():
            raise _taken(_there_is(tenant))
        if Domain.objects.filter(domain=host).exists():
            raise _taken(_("The host %(host)s leads to another tenant.") % {"host": host})
        if schema_exists(tenant.schema_name):
            raise _schema_taken(tenant)


def _there_is(tenant: Tenant) -> str:
    if tenant.kind == WORKSPACE:
        return _("There is a workspace “%(slug)s” already.") % {"slug": tenant.slug}
    return _("There is a console “%(slug)s” already.") % {"slug": tenant.slug}


def _schema_taken(tenant: Tenant) -> PlaceTakenError:
    text = _("There is a schema %(schema)s already.")
    return _taken(text % {"schema": tenant.schema_name})


def _taken(why: str) -> PlaceTakenError:
    advice = _("Import it under another slug, or remove what is there.")
    return PlaceTakenError(f"{why} {advice}")


@contextmanager
def _told_plainly(tenant: Tenant) -> Iterator[None]:
    """What the database refuses, in words."""
    try:
        yield
    except SchemaExistsError:
        raise _schema_taken(tenant) from None
    except IntegrityError as error:
        if tenant.pk is None:
            raise _taken(_("“%(slug)s” was taken meanwhile.") % {"slug": tenant.slug}) from error
        # The database's own words may hold a person's data.
        raise DamagedArchiveError(
            _(
                "The rows of this archive do not fit each other: one names another that is not"
                " there."
            )
        ) from error
