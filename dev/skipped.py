"""Fails when a test that needs Docker, a browser or a firewall did not run.

python -m dev.skipped JUNIT.xml…
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

PARTS = ("tests.docker", "tests.e2e", "tests.accessibility", "tests.server.test_firewall")
ROOT = Path(__file__).resolve().parent.parent


def shortfalls(*reports: Path) -> Iterator[str]:
    """What is missing from the reports together, a line each."""
    cases = {part: [] for part in PARTS}
    for case in chain.from_iterable(ElementTree.parse(one).iter("testcase") for one in reports):
        name = f"{case.get('classname', '')}.{case.get('name', '')}".lstrip(".")
        for part in PARTS:
            if name.startswith(f"{part}."):
                cases[part].append((name, case.find("skipped")))
    for part, found in cases.items():
        if not found and any((ROOT / part.replace(".", "/")).glob("test_*.py")):
            yield f"No test of {part} ran."
        yield from (
            f"{name} was skipped: {skipped.get('message')}"
            for name, skipped in found
            if skipped is not None
        )


def main() -> int:
    reports = [Path(one) for one in sys.argv[1:]]
    for report in reports:
        if not report.exists():
            print(f"  ✗ There is no {report}: the tests did not run.")
            return 1
    found = list(shortfalls(*reports))
    for line in found:
        print(f"  ✗ {line}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
