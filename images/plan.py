"""Which images a release has, and what each is made of."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from docker.utils.build import exclude_paths

ROOT = Path(__file__).resolve().parent.parent
BASE = "debian:trixie-slim"
# Stages that take minutes keep a name, so that pruning what is dangling spares them.
_KEPT_STAGES = ("builder", "python-root", "postgres-root")


def _everything(_path: str) -> bool:
    return True


def _decides_tables(path: str) -> bool:
    """Whether the database's template may depend on this file; pages and services do not matter."""
    name = path.rpartition("/")[2]
    return (
        "/migrations/" in path
        or name.startswith("models")
        or path.startswith(("config/", "images/", "apps/tenancy/"))
        or path in ("Dockerfile", "requirements.txt")
    )


def _decides_stage(path: str) -> bool:
    return path in ("Dockerfile", "requirements.txt", "images/host.sh", "images/slim.sh")


@dataclass(frozen=True)
class Image:
    """One image: its reference, the directory it is built from, and the files that decide it."""

    reference: str
    context: Path
    target: str = ""
    is_decided_by: Callable[[str], bool] = field(default=_everything, compare=False)

    def files(self) -> list[str]:
        """Paths in the build context, without what .dockerignore leaves out."""
        ignore = self.context / ".dockerignore"
        lines = ignore.read_text().splitlines() if ignore.exists() else []
        patterns = [line for line in lines if line and not line.startswith("#")]
        found = sorted(exclude_paths(str(self.context), patterns))
        return [path for path in found if "__pycache__" not in path]

    def digest(self, base_id: str) -> str:
        """SHA-256 over the base, the target and the deciding files: equal inputs, equal image."""
        digest = hashlib.sha256(f"{base_id}\0{self.target}\0".encode())
        for path in self.files():
            file = self.context / path
            if file.is_file() and self.is_decided_by(path):
                mode = "x" if file.stat().st_mode & 0o100 else "-"
                digest.update(f"{path}\0{mode}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()


def images(version: str, root: Path = ROOT) -> list[Image]:
    """The images of a release in the order to build them, those of the catalogue last."""
    stages = [Image(f"dotmac/stage:{name}", root, name, _decides_stage) for name in _KEPT_STAGES]
    own = [
        Image(f"dotmac/app:{version}", root, "app"),
        Image(f"dotmac/postgres:{version}", root, "postgres", _decides_tables),
    ]
    catalogue = [
        Image(f"dotmac/{file.parent.name}:{version}", file.parent)
        for file in sorted(root.glob("images/*/Dockerfile"))
    ]
    return [*stages, *own, *catalogue]
