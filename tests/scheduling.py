"""Which tests stay together when several processes share them, and which are begun first.

A unit goes to one process as a whole. What shares a platform, a server or a browser that is made
once is one; everything else is a unit for each file. The longest are begun first, so that no
process is left alone with one of them at the end.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# By how their paths begin, longest first.
UNITS: dict[str, tuple[str, ...]] = {
    "platform": ("tests/docker/", "tests/e2e/"),
    "server": ("tests/server/",),
    "faults": ("tests/faults/",),
    "browser": ("tests/accessibility/",),
    "outsiders": ("tests/outsiders/",),
    "rebuild": ("tests/backups/test_rebuild.py",),
    "large list": ("tests/subscribers/test_import_at_scale.py",),
    "erasure": ("tests/tenants/test_erasing_killed.py",),
}


def unit_of(nodeid: str) -> str:
    """The unit that a test belongs to."""
    file = nodeid.partition("::")[0]
    return next((name for name, paths in UNITS.items() if file.startswith(paths)), file)


def longest_first(items: list[pytest.Item]) -> None:
    """Put the tests of known units before the others, which stay in their order."""
    order = {name: number for number, name in enumerate(UNITS)}
    items.sort(key=lambda item: order.get(unit_of(item.nodeid), len(order)))


class ByUnit(LoadScopeScheduling):
    """Gives each process one unit after another, in the order of the tests."""

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        # Else those with few tests would come last, however long they take.
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)
