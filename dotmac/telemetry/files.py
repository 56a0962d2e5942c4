"""Numbers in files that processes share: each writes its own, whoever is asked adds them up.

The library's format. It leaves the files of dead processes for ever; here they are added to one
file a type, under a lock that a reading holds too, so that nothing is missed or counted twice.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from dotmac.telemetry import process

_FIRST_BYTES = 1 << 16
# Longer than any entry.
_ROOM = 8192
_GONE = "gone-0-0"
_LOCK = "lock"


class _Reserved(MmapedDict):
    """Takes its place on the disk before it is written to.

    The library's files have holes, and whoever writes into one on a full disk is killed (SIGBUS).
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            with open(filename, "ab") as file:
                if not file.tell():
                    os.posix_fallocate(file.fileno(), 0, _FIRST_BYTES)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        if self._used + _ROOM > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, self._capacity * 2)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def value_class(folder: Path) -> Any:
    """What the library keeps each number in, with its files in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.MmapedDict = _Reserved  # type: ignore[misc]
    shared: Any = values.MultiProcessValue(process.identity)  # type: ignore[no-untyped-call]

    class Tolerant(shared):  # type: ignore[misc]
        """A number that is lost where the disk is full, instead of the request that it counts."""

        def inc(self, amount: float) -> None:
            try:
                super().inc(amount)
            except OSError:
                return

    def make(*args: Any, **options: Any) -> Any:
        try:
            return Tolerant(*args, **options)
        except OSError:
            return values.MutexValue(*args, **options)  # type: ignore[no-untyped-call]

    make._multiprocess = True  # type: ignore[attr-defined]
    return make


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within, nobody else adds files up."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fold_dead(folder: Path) -> int:
    """Add the files of dead processes to one a type and remove them; returns how many those were.

    Inside `alone`. Killed between the renaming and the removal it would count a file twice.
    """
    dead: dict[str, list[Path]] = {}
    for file in folder.glob("*.db"):
        kind, _under, owner = file.stem.partition("_")
        if owner != _GONE and not process.is_alive(owner):
            dead.setdefault(kind, []).append(file)
    for kind, files in dead.items():
        _fold(folder / f"{kind}_{_GONE}.db", files)
    return sum(map(len, dead.values()))


def _fold(target: Path, files: list[Path]) -> None:
    sums: dict[str, float] = {}
    for file in [*([target] if target.exists() else []), *files]:
        for key, value, _stamp, _at in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            sums[key] = sums.get(key, 0.0) + value
    new = target.with_suffix(".new")
    new.unlink(missing_ok=True)
    written = _Reserved(str(new))
    for key, value in sums.items():
        written.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    written.close()  # type: ignore[no-untyped-call]
    new.replace(target)
    for file in files:
        file.unlink(missing_ok=True)
