"""What a measurement says, and the table of all of them."""

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One row: ours and the floor in words with their unit, the figure that the bar is on."""

    what: str
    ours: str
    floor: str
    figure: str
    bar: str
    is_met: bool

    def row(self) -> str:
        """A line of the Markdown table."""
        mark = "yes" if self.is_met else "**no**"
        return f"| {self.what} | {self.ours} | {self.floor} | {self.figure} | {self.bar} | {mark} |"


HEAD = "| what | ours | floor | figure | bar | met |\n|---|---|---|---|---|---|"


def spread(seconds: Sequence[float], *, unit: str = "s") -> str:
    """Median with minimum and maximum."""
    scale = 1000 if unit == "ms" else 1
    low, middle, high = (x * scale for x in (min(seconds), median(seconds), max(seconds)))
    return f"{middle:.3g} {unit} ({low:.3g} to {high:.3g})"


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def ratio(what: str, ours: Sequence[float], floor: Sequence[float], bar: float) -> Result:
    """Ours against the floor, by median."""
    figure = median(ours) / median(floor)
    shown = f"{figure:.2f}" if figure >= 0.1 else f"{figure:.1g}"
    return Result(what, spread(ours), spread(floor), f"{shown} ×", f"≤ {bar} ×", figure <= bar)


def calibration() -> str:
    """How quick this machine is now: SHA-256 over 64 MiB, and a 4 KiB fsync, by median."""
    block = b"x" * (1 << 20)
    cpu = []
    for _turn in range(5):
        start = time.perf_counter()
        digest = hashlib.sha256()
        for _part in range(64):
            digest.update(block)
        cpu.append(time.perf_counter() - start)
    with tempfile.TemporaryFile() as file:
        sync = []
        for _turn in range(30):
            start = time.perf_counter()
            file.write(block[:4096])
            file.flush()
            os.fsync(file.fileno())
            sync.append(time.perf_counter() - start)
    load = os.getloadavg()[0]
    return (
        f"SHA-256 of 64 MiB: {spread(cpu, unit='ms')}; fsync of 4 KiB: {spread(sync, unit='ms')};"
        f" load when it began: {load:.1f} on {os.cpu_count()} cores."
    )
