"""Memory, time and garbage collections of an installation's processes.

A process is known by its files; what they use is read from the system when somebody asks.
"""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from prometheus_client import Counter
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from dotmac.telemetry import process

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_COLLECTIONS = Counter("dotmac_process_gc_full", "Full garbage collections.", ["role"])
_PAUSES = Counter("dotmac_process_gc_seconds", "Time spent in full garbage collections.", ["role"])
NAMES = {
    "dotmac_processes": "Processes that run.",
    "dotmac_process_memory_bytes": "Resident memory of the processes of a role.",
    "dotmac_process_memory_largest_bytes": "Resident memory of the largest process of a role.",
    "dotmac_process_cpu_seconds": "CPU time of the processes of a role and of their children.",
}
# Of each process: bytes, and seconds.
_SUMS: dict[str, Callable[[list[tuple[int, float]]], float]] = {
    "dotmac_processes": len,
    "dotmac_process_memory_bytes": lambda ones: sum(size for size, _cpu in ones),
    "dotmac_process_memory_largest_bytes": lambda ones: max(size for size, _cpu in ones),
    "dotmac_process_cpu_seconds": lambda ones: sum(cpu for _size, cpu in ones),
}


class _Garbage:
    """Full collections since they were last counted.

    Counting is left to `count_garbage`: a collection may begin inside of a number's own lock.
    """

    def __init__(self) -> None:
        self.times, self.seconds, self._began = 0, 0.0, 0.0

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if info["generation"] < 2:
            return
        if phase == "start":
            self._began = perf_counter()
        else:
            self.times += 1
            self.seconds += perf_counter() - self._began


_garbage = _Garbage()


def watch_garbage() -> None:
    """Look at the collections of this process, and of what it forks, from now on."""
    if _garbage not in gc.callbacks:
        gc.callbacks.append(_garbage)


def count_garbage() -> None:
    """Count what was collected since the last time; after each request and piece of work."""
    if not _garbage.times:
        return
    times, seconds = _garbage.times, _garbage.seconds
    _garbage.times, _garbage.seconds = 0, 0.0
    _COLLECTIONS.labels(process.role()).inc(times)
    _PAUSES.labels(process.role()).inc(seconds)


def numbers(folder: Path | None) -> Iterator[Metric]:
    """What the processes with files in a folder use; without one, what this one does."""
    used: dict[str, list[tuple[int, float]]] = {}
    for name in _alive(folder):
        found = _use_of(name)
        if found is not None:
            used.setdefault(name.partition("-")[0], []).append(found)
    for name, about in NAMES.items():
        family = GaugeMetricFamily(name, about, labels=["role"])
        for role, ones in used.items():
            family.add_metric([role], _SUMS[name](ones))
        yield family


def _alive(folder: Path | None) -> set[str]:
    if folder is None:
        return {process.identity()}
    owners = {file.stem.partition("_")[2] for file in folder.glob("*.db")}
    return {one for one in owners if process.is_alive(one)} | {process.identity()}


def _use_of(name: str) -> tuple[int, float] | None:
    """Resident bytes and seconds of CPU; None for one that has just ended."""
    try:
        place = Path("/proc") / name.split("-")[1]
        pages = int((place / "statm").read_text().split()[1])
        fields = (place / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return pages * _PAGE, sum(map(int, fields[11:15])) / _TICKS
