"""The database's own programs and files, as far as backups need them."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psycopg

from dotmac.backups.errors import BackupError
from dotmac.crypto.secret import Secret

# Of util-linux: what fills a directory does not outlive whoever was killed meanwhile.
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
SPOOL = "archive"
SUPERUSER = "postgres"
# The first whose pg_basebackup takes only what changed since a manifest.
_INCREMENTAL_SINCE = 17
# The directory above it is closed to everybody but its owner and the server's user.
_SHARED = 0o777


@dataclass(frozen=True)
class Programs:
    """Where PostgreSQL's programs lie, and as whom they run (None: as oneself)."""

    directory: Path
    user: int | None = None
    group: int | None = None

    @classmethod
    def for_owner_of(cls, directory: Path, data: Path) -> Programs:
        """As who owns these files, since a server refuses root and other people's files."""
        found = data.stat()
        if os.geteuid() != 0 or found.st_uid == 0:
            return cls(directory)
        return cls(directory, found.st_uid, found.st_gid)

    def command(self, program: str, *arguments: object) -> list[str]:
        """A command line of one of them."""
        return [str(self.directory / program), *map(str, arguments)]

    @property
    def identity(self) -> dict[str, Any]:
        """For subprocess: whom to become."""
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Have a file or directory belong to whom they run as."""
        if self.user is not None:
            os.chown(path, self.user, self.group if self.group is not None else -1)

    def call(self, program: str, *arguments: object) -> None:
        """Run one to its end; BackupError with what it said."""
        ran = subprocess.run(
            [*ENDS_WITH_US, *self.command(program, *arguments)],
            cwd="/", env=environment(), check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self.identity,
        )  # fmt: skip
        if ran.returncode:
            tail = " ".join(ran.stdout.split()[-60:])
            raise BackupError(f"{program} failed with code {ran.returncode}: {tail}")


@dataclass(frozen=True)
class Database:
    """A running server: its programs, a directory beside its files, and who may back it up.

    One that the platform runs is asked by its superuser, with a password. The distribution's is
    asked by the platform's own role over its socket, without one; it runs as another user than the
    programs, who enters `root` and writes to the spool in it.
    """

    programs: Programs
    root: Path
    host: str
    port: int
    password: Secret | None = field(default=None, repr=False)
    user: str = SUPERUSER
    name: str = SUPERUSER

    @property
    def spool(self) -> Path:
        """Where it lays closed WAL as long as this directory is there (`archive_command`)."""
        return self.root / SPOOL

    @property
    def version(self) -> int:
        """Its major version, as the server says."""
        with psycopg.connect(**self.connection) as server:
            return server.info.server_version // 10_000

    def open_spool(self) -> None:
        """Have it lay its WAL there from now on."""
        self.spool.mkdir(mode=0o700, exist_ok=True)
        if self.password is None:
            self.spool.chmod(_SHARED)
        else:
            self.programs.give(self.spool)

    @contextmanager
    def base_backup(self, label: str, manifest: Path | None = None) -> Iterator[IO[bytes]]:
        """A tar of all its files as they stand, or of what changed since a manifest.

        It ends only once the WAL that belongs to it is laid into the spool.
        """
        options = ["-D", "-", "-Ft", "-X", "none", "--checkpoint=fast", "--no-password"]
        options += [f"--label={label}", f"--host={self.host}", f"--port={self.port}"]
        options += [f"--username={self.user}"]
        if manifest is not None:
            options.append(f"--incremental={manifest}")
        own = environment()
        if self.password is not None:
            own["PGPASSWORD"] = self.password.reveal()
        process = subprocess.Popen(
            self.programs.command("pg_basebackup", *options),
            cwd="/", env=own, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **self.programs.identity,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield process.stdout
            said = process.stderr.read().decode(errors="replace")
            if process.wait():
                tail = " ".join(said.split()[-60:])
                raise BackupError(f"pg_basebackup failed with code {process.returncode}: {tail}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()
            process.stderr.close()

    @property
    def connection(self) -> dict[str, Any]:
        """For psycopg, as who may back it up: keep it out of logs."""
        opened = {} if self.password is None else {"password": self.password.reveal()}
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "dbname": self.name,
            "connect_timeout": 10,
            **opened,
        }


def has_incrementals(version: int) -> bool:
    """Whether a server of this major version gives what changed since a backup."""
    return version >= _INCREMENTAL_SINCE


def archive_command(spool: Path) -> str:
    """The shell's line for each closed segment of WAL: laid aside while backups are on.

    They are on while that directory is there. The time is kept, which says up to when a segment
    goes; a copy is whole or not there, also after a loss of power. Whoever empties the spool may
    be another user than the server's, so the copy can be read by who reaches it.
    """
    place = shlex.quote(str(spool).replace("%", "%%"))
    new = f"{place}/.%f"
    copy = f'install -p -m 0644 "%p" {new} && sync {new} && mv {new} {place}/%f && sync {place}'
    return f"if [ -d {place} ]; then {copy}; fi"


def environment() -> dict[str, str]:
    """What PostgreSQL's programs are given of ours."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
