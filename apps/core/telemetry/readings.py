"""What the database knows, read when somebody asks for the numbers.

Each app registers what it reads. A reading takes bounded queries by index; one that takes too long
is left out of that answer, and says so, so that none hides the others.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter

import structlog
from django.db import Error, connection, transaction
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

log = structlog.get_logger(__name__)
TIMEOUT_MS = 2000


@dataclass(frozen=True)
class Measure:
    """A number of the database: its name, what it says, and by what it is told apart."""

    name: str
    about: str
    labels: tuple[str, ...] = ()


# A measure, its value, and one text for each of its labels.
Sample = tuple[Measure, float, tuple[str, ...]]
Read = Callable[[], Iterable[Sample]]


@dataclass(frozen=True)
class _Source:
    name: str
    measures: tuple[Measure, ...]
    read: Read


_sources: dict[str, _Source] = {}
_FAILED = Measure("dotmac_reading_failed", "Whether a reading failed, by its name.", ("reading",))
_TOOK = Measure("dotmac_reading_seconds", "How long a reading took, by its name.", ("reading",))


def reads(name: str, *measures: Measure) -> Callable[[Read], Read]:
    """Register a function that reads these measures, in the operator's schema."""

    def register(read: Read) -> Read:
        _sources[name] = _Source(name, measures, read)
        return read

    return register


def declared() -> list[Measure]:
    """All that is read."""
    own = (_FAILED, _TOOK)
    return [*own, *(one for source in _sources.values() for one in source.measures)]


def readings() -> Iterator[Metric]:
    """Read everything; call it in the operator's schema."""
    families = {
        one.name: GaugeMetricFamily(one.name, one.about, labels=one.labels) for one in declared()
    }
    for source in _sources.values():
        began = perf_counter()
        found = _read(source)
        families[_FAILED.name].add_metric([source.name], float(found is None))
        families[_TOOK.name].add_metric([source.name], perf_counter() - began)
        for measure, value, labels in found or ():
            families[measure.name].add_metric(labels, value)
    yield from families.values()


def _read(source: _Source) -> list[Sample] | None:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
            return list(source.read())
    except Error as error:
        log.warning("reading_failed", reading=source.name, error=type(error).__name__)
        return None
