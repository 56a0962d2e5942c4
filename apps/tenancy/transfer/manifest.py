"""What an archive says of itself: whose it is, by which migrations it stands, what is in it."""

from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from apps.tenancy.exceptions import DamagedArchiveError, ForeignArchiveError
from apps.tenancy.migrating.behind import Key

FORMAT = 1
_MOST = 2**63 - 1
# Widest values, with which the room of a manifest is reckoned before they are known.
_WIDEST_DIGEST = "0" * 64

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")]
Count = Annotated[int, Field(ge=0, le=_MOST)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Table(_Part):
    """A table's data: its columns in order, how much it is, and SHA-256 over its COPY text."""

    name: Name
    columns: Annotated[list[Name], Field(min_length=1)]
    rows: Count = _MOST
    bytes: Count = _MOST
    sha256: Digest = _WIDEST_DIGEST


class Sequence(_Part):
    """Where a sequence stands."""

    name: Name
    last: Annotated[int, Field(ge=-_MOST, le=_MOST)]
    is_called: bool


class Manifest(_Part):
    """The first member of an archive."""

    product: Literal["dotmac-tenant"] = "dotmac-tenant"
    format: Literal[1] = 1
    kind: str
    slug: str
    # The name of the schema, by which its event log is signed.
    schema_name: Name
    name: str
    hosts: list[str]
    release: str
    made_at: str
    # Of the apps that this kind held there; rows of others' migrations say nothing.
    apps: list[str]
    migrations: list[tuple[str, str]]
    tables: list[Table]
    # Tables of which no row is taken along.
    left_out: list[Name]
    sequences: list[Sequence]
    # What `public` held of the schema, by who packed it (registry).
    luggage: dict[str, Any]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [table.name for table in self.tables]
        if len(set(names)) < len(names):
            raise ValueError("a table is listed twice")
        return self

    @property
    def applied(self) -> frozenset[Key]:
        """The migrations that the schema stands by."""
        return frozenset(self.migrations)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    def written(self) -> bytes:
        """As JSON, a line for each part, so that people can read it."""
        return self.model_dump_json(indent=1).encode()


def read_manifest(text: bytes) -> Manifest:
    """The manifest; ForeignArchiveError of a newer format, DamagedArchiveError for none."""
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        newer = _newer_format(text)
        if newer:
            raise ForeignArchiveError(
                _(
                    "This archive has format %(format)s; this release reads up to %(newest)s. Bring"
                    " this installation to the release that it was made with, then import it."
                )
                % {"format": newer, "newest": FORMAT}
            ) from None
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise DamagedArchiveError(
            _("This file is no archive of a tenant: in its manifest, %(place)s: %(why)s.")
            % {"place": place, "why": first["msg"]}
        ) from None


class _Format(BaseModel):
    product: Literal["dotmac-tenant"]
    format: Annotated[int, Field(gt=FORMAT)]


def _newer_format(text: bytes) -> int:
    try:
        return _Format.model_validate_json(text).format
    except ValidationError:
        return 0
