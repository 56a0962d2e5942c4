"""Where files of a schema lie that are no rows: lists that were uploaded, exports."""

from pathlib import Path

from django.conf import settings


def folder_of(schema: str) -> Path:
    """All of them below one folder, which goes with the schema (templates.drop_schema)."""
    return Path(settings.MEDIA_ROOT) / schema
