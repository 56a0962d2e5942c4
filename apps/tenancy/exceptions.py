"""What can go wrong with tenants and their schemas."""

from apps.core.exceptions import ConflictError, DomainError, NotFoundError


class TemplateError(Exception):
    """The empty schema of a kind could not be made or dumped."""


class SchemaExistsError(Exception):
    """A schema of that name is already there."""


class ChangedMeanwhileError(Exception):
    """Somebody else migrated this schema since it was looked at."""


class HeldTenantError(Exception):
    """A migration waited for an export of the tenant, and waits no longer."""


class NoSchemaError(NotFoundError):
    """No tenant of this database has that slug or schema, or its schema lies elsewhere."""


class DamagedArchiveError(DomainError):
    """The file is no archive of a tenant, or not all of it, or not as it was written."""

    code = "archive_damaged"


class ForeignArchiveError(DomainError):
    """The archive is whole, and of a format, release or kind that this installation cannot take."""

    code = "archive_foreign"


class PlaceTakenError(ConflictError):
    """The slug, host or schema that an archive is to be imported as is somebody's."""
