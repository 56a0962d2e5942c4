"""Which columns are encrypted with FIELD_KEYS: each app registers its own in `hooks`.

seals(Sender, "password")
"""

from collections.abc import Container
from dataclasses import dataclass

from django.db.models import Model


@dataclass(frozen=True)
class SealedColumn:
    """A column of texts that are each encrypted or empty; or of JSON with such texts in it."""

    model: type[Model]
    name: str

    def __str__(self) -> str:
        # Of a table that a whole database shares without its schema.
        table = self.model._meta.db_table.rpartition(".")[2].strip('"')
        return f"{table}.{self.name}"


_columns: list[SealedColumn] = []


def seals(model: type[Model], *names: str) -> None:
    """Register encrypted columns, so that they are encrypted anew when keys change."""
    for name in names:
        model._meta.get_field(name)
        _columns.append(SealedColumn(model, name))


def sealed_columns(labels: Container[str] | None = None) -> list[SealedColumn]:
    """All of them, or those of the apps with these labels."""
    return [one for one in _columns if labels is None or one.model._meta.app_label in labels]
