"""No tracked file names a package host or a path outside the project.

Index, mirrors and registries come from the environment of whoever installs; a name in a file
would bind every user to it. Lock files, which tools write, are held to the same.

    python -m dev.lint.no_hosts [FILE...]
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Spelled apart, so that this file passes its own check.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("security", "ubuntu", "com"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("cdn", "jsdelivr", "net"),
        ("unpkg", "com"),
        ("ghcr", "io"),
        ("gcr", "io"),
        ("quay", "io"),
        ("index", "docker", "io"),
        ("registry-1", "docker", "io"),
    )
)
# Debian's package has the registry's name: only the name with a path is the registry.
REGISTRY = "docker" + r"\.io/(?!\s)"
OUTSIDE = (r"\.\./" + "shared", "/" + r"work/(?:main|shared)")
FORBIDDEN = re.compile(
    r"(?<![\w-])(?:[\w-]+\.)*(?:" + "|".join(map(re.escape, HOSTS)) + r")(?![\w-])"
    rf"|(?<![\w.-]){REGISTRY}|" + "|".join(rf"(?<![\w./-]){path}\b" for path in OUTSIDE)
)


def findings(path: Path, text: str) -> Iterator[str]:
    """Each offending line as `path:line: what`."""
    for number, line in enumerate(text.splitlines(), start=1):
        for found in FORBIDDEN.finditer(line):
            yield f"{path}:{number}: names {found[0]}"


def tracked_files() -> list[Path]:
    """What git tracks, and what it would track when added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    return [Path(name) for name in listed.decode().split("\0") if name]


def check(paths: Iterable[Path]) -> list[str]:
    """All findings in text files; binary ones are left out."""
    found: list[str] = []
    for path in paths:
        try:
            text = (ROOT / path).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
        found += findings(path, text)
    return found


def main() -> int:
    found = check([Path(name) for name in sys.argv[1:]] or tracked_files())
    for line in found:
        print(line)
    if found:
        print("Take these from the environment instead; see the docstring of dev/lint/no_hosts.py.")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
