"""What can go wrong with tenants and their schemas."""


class TemplateError(Exception):
    """The empty schema of a kind could not be made or dumped."""


class SchemaExistsError(Exception):
    """A schema of that name is already there."""


class ChangedMeanwhileError(Exception):
    """Somebody else migrated this schema since it was looked at."""
