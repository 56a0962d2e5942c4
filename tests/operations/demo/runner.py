"""Work that hangs, and work that takes longer than any may that does not say so."""

import os
import time
from pathlib import Path

from django.conf import settings

from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs


@runs("demo.hang")
def _hang(lease: Lease) -> None:
    """Deaf to its lease, the first time."""
    _note("hang")
    if lease.stalls == 0:
        time.sleep(3600)
    _end(lease)


@runs("demo.long")
def _long(lease: Lease) -> None:
    lease.works_until = time.monotonic() + 600
    _note("long")
    time.sleep(3 * settings.WORK_SECONDS)
    _end(lease)


def _note(what: str) -> None:
    with (Path(os.environ["DEMO_WORLD"]) / what).open("a") as file:
        file.write(f"{os.getpid()}\n")


def _end(lease: Lease) -> None:
    with lease.atomic():
        work.finish(lease, Due.State.DONE)
