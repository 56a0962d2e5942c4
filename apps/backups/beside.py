"""The platform's database of a moment, beside the one that runs; nothing is written off site."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from django.conf import settings

from apps.backups.constants import ROOM_FACTOR
from dotmac.backups import BackupError, Database, Store
from dotmac.backups.choosing import Route, choose
from dotmac.backups.records import read_bundles, read_repository, read_sets
from dotmac.backups.restoring import Recovered, clear, fetch, recovered

Beat = Callable[[], None]


@contextmanager
def beside(
    server: Database, store: Store, folder: str, *, at: datetime | None = None, beat: Beat
) -> Iterator[tuple[Route, Recovered]]:
    """A throw-away server at that moment, or at the newest; BackupError where it does not work.

    `folder` is a name beside the database's own files, which nothing else has.
    """
    route = choose(read_repository(store), read_sets(store), read_bundles(store), at)
    place = server.root / folder
    # What one left that was killed.
    clear(place)
    _check_room(server.root, route)
    name = settings.DATABASES["default"]["NAME"]
    try:
        data = fetch(store, route, server.programs, place, beat=beat)
        with recovered(data, route, server.programs, database=name, beat=beat) as found:
            yield route, found
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _check_room(root: Path, route: Route) -> None:
    needed = ROOM_FACTOR * sum(one.read_bytes for one in route.sets)
    free = shutil.disk_usage(root).free
    if free < needed:
        text = f"Restoring needs {needed >> 20:,} MB in {root}; {free >> 20:,} MB are free."
        raise BackupError(text, permanent=True)
