"""How many files went with a schema, by what is there before and is not there after."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apps.tenancy.files import folder_of
from apps.tenancy.kinds import PUBLIC


@dataclass
class Gone:
    """Files and their bytes."""

    files: int = 0
    size: int = 0


@contextmanager
def counting(schema: str) -> Iterator[Gone]:
    """Count what goes meanwhile: of the schema, and what the operator has of it."""
    gone = Gone()
    before = _sizes(folder_of(schema)) | _sizes(folder_of(PUBLIC))
    yield gone
    sizes = [size for path, size in before.items() if not path.exists()]
    gone.files, gone.size = len(sizes), sum(sizes)


def _sizes(folder: Path) -> dict[Path, int]:
    found = {}
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                found[path] = path.stat().st_size
        except FileNotFoundError:
            continue
    return found
