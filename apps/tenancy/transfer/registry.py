"""What higher apps add to an archive, and what they settle where one arrives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps

from apps.tenancy.transfer.manifest import Manifest


@dataclass
class Arrival:
    """A schema that has just come, with its rows in place, still in the import's transaction."""

    manifest: Manifest
    schema: str
    # The digest of the archive's manifest, which covers all of it.
    digest: str
    # What the importer is to be told.
    notes: list[str] = field(default_factory=list)

    @property
    def is_renamed(self) -> bool:
        """Whether it came under another slug, so that the first one may go on beside it."""
        return self.schema != self.manifest.schema_name


Pack = Callable[[Any, str], Any]
Unpack = Callable[[Arrival, Any], None]
Settle = Callable[[Arrival], None]


@dataclass(frozen=True)
class Luggage:
    """What `public` holds of a schema and goes with it, as JSON.

    `pack` gets a cursor of the export's snapshot, in no schema, and the schema's name; `unpack`
    is called in the new schema with what was packed, None where nothing was.
    """

    pack: Pack
    unpack: Unpack


_luggage: dict[str, Luggage] = {}
_settling: list[tuple[str, Settle]] = []
_left_out: set[str] = set()


def brings(name: str, luggage: Luggage) -> None:
    """Register what goes with a schema."""
    _luggage[name] = luggage


def luggage() -> dict[str, Luggage]:
    """All of it by name."""
    return dict(_luggage)


def leaves_out(*models: str) -> None:
    """Register models, as `sessions.Session`, of which no row is taken along."""
    _left_out.update(models)


def left_out(labels: frozenset[str]) -> frozenset[str]:
    """The tables of those models that a kind with these apps has."""
    found = (apps.get_model(name)._meta for name in _left_out if name.split(".")[0] in labels)
    return frozenset(options.db_table for options in found)


def when_arrived(label: str) -> Callable[[Settle], Settle]:
    """Register what an app settles in schemas that hold it, such as work that was under way."""

    def register(settle: Settle) -> Settle:
        _settling.append((label, settle))
        return settle

    return register


def settle(arrival: Arrival, labels: frozenset[str]) -> None:
    """Call what is registered for the apps of a kind."""
    for label, one in _settling:
        if label in labels:
            one(arrival)
