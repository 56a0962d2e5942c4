"""Numbers that processes count, and a reading of all of them in Prometheus' text format.

Apps declare theirs with the library's Counter and Histogram. A process that serves keeps them in a
folder that all of an installation share; in any other they are its own.
"""

from collections.abc import Iterable
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, generate_latest, metrics, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from dotmac.telemetry import files, process, processes

PREFIX = "dotmac_"
# From a quick answer to one that nobody waits for any more.
REQUEST_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
WORK_BUCKETS_S = (0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 300, 900)
_folder: Path | None = None


def keep_in(folder: Path | None) -> None:
    """Share what is counted by files in a folder; before any number is declared."""
    global _folder  # noqa: PLW0603
    _folder = folder if process.role() in process.SERVING else None
    if _folder is not None:
        try:
            values.ValueClass = files.value_class(_folder)
        except OSError:
            # Nobody could be told by a number; requests are more important.
            _folder = None


class _Given(Collector):
    """What was read just now."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = list(found)

    def collect(self) -> Iterable[Metric]:
        """As it is."""
        return self._found


def text_of(read: Iterable[Metric]) -> bytes:
    """All numbers of all processes, and what was read beside them."""
    found = [*counted(), *processes.numbers(_folder), *read]
    registry = CollectorRegistry()
    registry.register(_Given(found))
    return generate_latest(registry)


def counted() -> list[Metric]:
    """What all processes counted, those that ended too."""
    if _folder is None:
        return [one for one in REGISTRY.collect() if one.name.startswith(PREFIX)]
    with files.alone(_folder):
        files.fold_dead(_folder)
        collector = MultiProcessCollector(None, path=str(_folder))  # type: ignore[no-untyped-call]
        return list(collector.collect())  # type: ignore[no-untyped-call]


def declared() -> dict[str, tuple[str, ...]]:
    """Names of what processes count, with their labels."""
    found = {}
    for one in list(REGISTRY._collector_to_names):
        if isinstance(one, metrics.MetricWrapperBase) and one._name.startswith(PREFIX):
            suffix = "_total" if one._type == "counter" else ""
            found[one._name + suffix] = tuple(one._labelnames)
    return found
