"""Small file systems that fill up for real."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FILLING = "filling"


@contextmanager
def mounted(folder: Path, *, megabytes: int) -> Iterator[Path]:
    """A file system in memory that takes so much, as long as it is needed."""
    folder.mkdir(parents=True)
    size = f"size={megabytes}m,mode=0777"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path) -> None:
    """Leave no byte free."""
    with (folder / _FILLING).open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


def make_room(folder: Path) -> None:
    """Take away what filled it."""
    (folder / _FILLING).unlink()
