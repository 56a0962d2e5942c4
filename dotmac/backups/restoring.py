"""Bringing a set and its WAL back into a directory, and the database up to a point in time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from dotmac.backups.choosing import Route
from dotmac.backups.database import ENDS_WITH_US, SUPERUSER, Programs, environment
from dotmac.backups.errors import BackupError, DamagedError
from dotmac.backups.rclone import Store
from dotmac.backups.records import BackupSet
from dotmac.backups.streams import BLOCK, DigestReader
from dotmac.backups.taking import BASE
from dotmac.server import proc

Beat = Callable[[], None]
# Of the socket, where nobody else listens: what clients take without being told.
_PORT = "5432"
_POLL_S = 0.1
_CONNECT_S = 5
# Owner and nobody else, as PostgreSQL demands of its directory.
_PRIVATE = 0o700
# The first whose pg_combinebackup takes hard links for copies.
_LINKS_SINCE = 18
_END_S = 60
_TOO_SHORT = "recovery ended before configured recovery target was reached"


@dataclass(frozen=True)
class Recovered:
    """A server that has come to its point in time; it listens on a socket in `sockets` alone."""

    sockets: Path

    @property
    def connection(self) -> dict[str, Any]:
        """For psycopg, as the superuser."""
        return {"host": str(self.sockets), "user": SUPERUSER, "connect_timeout": _CONNECT_S}


def fetch(store: Store, route: Route, programs: Programs, into: Path, *, beat: Beat) -> Path:
    """Bring everything of a route into a directory; returns the data directory in it."""
    into.mkdir(parents=True, exist_ok=True)
    into.chmod(0o711)
    _fetch_wal(store, route, programs, into / "wal", beat)
    parts = [_fetch_set(store, one, programs, into / one.name, beat) for one in route.sets]
    data = into / "data"
    if len(parts) == 1:
        parts[0].rename(data)
    else:
        programs.give(into)
        link = ["--link"] if route.newest.server_version >= _LINKS_SINCE else []
        programs.call("pg_combinebackup", *link, "--no-sync", "-o", data, *parts)
        for part in parts:
            beat()
            shutil.rmtree(part)
    return data


def clear(folder: Path) -> None:
    """Delete a directory of `fetch`, whatever was killed in it; BackupError when it runs on."""
    left = _server_in(folder / "data")
    if left is not None:
        proc.end(left, first=signal.SIGQUIT, seconds=_END_S)
        if proc.is_alive(left):
            text = f"A database that a killed restore started runs on as process {left.pid}: end it"
            raise BackupError(f"{text}, then try again.")

    def is_gone() -> bool:
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()

    # One that was about to start is at it for a moment still.
    if not proc.wait_until(is_gone, _END_S):
        raise BackupError(f"{folder} cannot be deleted. Look what is at it, then try again.")


@contextmanager
def recovered(
    data: Path, route: Route, programs: Programs, *, database: str, beat: Beat
) -> Iterator[Recovered]:
    """The server of a fetched directory, replayed up to the route's point in time.

    It archives nothing and is reached by a private socket alone. It ends with the block; the
    directory can be started as any other then, by the settings of whoever starts it: what
    ALTER SYSTEM had set where the backup was made is left out. BackupError with its last words.
    """
    _make_ready(data, programs)
    with tempfile.TemporaryDirectory(prefix="dotmac-restore-") as folder:
        sockets = Path(folder)
        programs.give(sockets)
        configuration, log = sockets / "server.conf", sockets / "server.log"
        access = sockets / "access.conf"
        # The socket's directory is closed to everybody else.
        _write(access, "local all all trust\n", programs)
        settings = _settings(data, route, sockets, access)
        _write(configuration, _rendered(settings), programs)
        with log.open("wb") as output:
            process = subprocess.Popen(
                programs.command("postgres", "-D", data, "-c", f"config_file={configuration}"),
                cwd="/", env=environment(), stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, **programs.identity,
            )  # fmt: skip
        found = Recovered(sockets)
        try:
            _wait(process, found, log, database, beat)
            yield found
        finally:
            _end(process)
    (data / "recovery.signal").unlink(missing_ok=True)


def _fetch_set(store: Store, one: BackupSet, programs: Programs, into: Path, beat: Beat) -> Path:
    """Its files, checked against what was written."""
    into.mkdir(mode=_PRIVATE)
    programs.give(into)
    name = f"sets/{one.name}/{BASE}"
    command = [*ENDS_WITH_US, "tar", "-xf", "-", "-C", str(into), "--no-same-owner"]
    unpacker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        env=environment(), cwd="/", **programs.identity,
    )  # fmt: skip
    assert unpacker.stdin is not None
    assert unpacker.stderr is not None
    try:
        with store.reading(name) as stream:
            reader = DigestReader(stream)
            whole = _pour(reader, unpacker.stdin, beat)
        unpacker.stdin.close()
        said = unpacker.stderr.read().decode(errors="replace")
        is_good = unpacker.wait() == 0 and whole and reader.part == one.parts[BASE]
    finally:
        if unpacker.poll() is None:
            unpacker.kill()
            unpacker.wait()
        unpacker.stderr.close()
    if not is_good:
        tail = " ".join(said.split()[-30:])
        raise DamagedError(f"{name} in {store.target.address} is not what was written. {tail}")
    return into


def _pour(reader: DigestReader, into: Any, beat: Beat) -> bool:
    """Unpack a stream into another; False where it does not unpack. It is read to its end."""
    opener = zlib.decompressobj(31)
    is_good = True
    while block := reader.read(BLOCK):
        beat()
        if not is_good:
            continue
        try:
            into.write(opener.decompress(block))
        except (zlib.error, BrokenPipeError):
            is_good = False
    return is_good and opener.eof


def _fetch_wal(store: Store, route: Route, programs: Programs, into: Path, beat: Beat) -> None:
    into.mkdir()
    by_folder: dict[str, list[str]] = {}
    for bundle in route.bundles:
        folder, _slash, name = bundle.name.rpartition("/")
        by_folder.setdefault(folder, []).append(name)
    with tempfile.TemporaryDirectory(dir=into.parent) as fetched:
        for folder, names in by_folder.items():
            beat()
            store.download(folder, names, Path(fetched))
        for file in sorted(Path(fetched).iterdir()):
            try:
                with tarfile.open(file) as segments:
                    _unpack(segments, into)
            except (tarfile.TarError, OSError) as error:
                raise DamagedError(f"{file.name} in {store.target.address}: {error}") from error
    for file in into.iterdir():
        file.chmod(0o600)
        programs.give(file)
    into.chmod(0o755)


def _unpack(segments: tarfile.TarFile, into: Path) -> None:
    """Its files by their bare names; Python's own filter is not in Debian 12's 3.11.2."""
    for member in segments:
        opened = segments.extractfile(member) if member.isfile() else None
        if opened is not None:
            with (into / Path(member.name).name).open("wb") as output:
                shutil.copyfileobj(opened, output)


def _make_ready(data: Path, programs: Programs) -> None:
    """What PostgreSQL looks for in the directory itself."""
    _write(data / "recovery.signal", "", programs)
    for name in ("standby.signal", "postmaster.pid", "postgresql.auto.conf"):
        (data / name).unlink(missing_ok=True)


def _write(file: Path, text: str, programs: Programs) -> None:
    file.write_text(text)
    file.chmod(0o600)
    programs.give(file)


def _timeline(data: Path, route: Route) -> str:
    """The one of the machine that is restored, unless the set itself is on it already."""
    own = int(route.newest.start_wal[:8], 16)
    return "current" if route.timeline <= own else str(route.timeline)


def _settings(data: Path, route: Route, sockets: Path, access: Path) -> dict[str, str]:
    """Where segments lie, where to stop, and a server that nobody else finds.

    A distribution keeps its own settings outside of the directory, so none of them are needed.
    Nobody may ask before it has arrived: a server that answers while it replays demands as many
    connections and locks as the one had that was backed up.
    """
    wal = str(data.parent / "wal").replace('"', '\\"')
    values = {
        "restore_command": f'gzip -dc "{wal}/%f.gz" > "%p"',
        "recovery_target_timeline": _timeline(data, route),
        "recovery_target_action": "promote",
        "archive_mode": "off",
        "listen_addresses": "",
        "port": _PORT,
        "unix_socket_directories": str(sockets),
        "hba_file": str(access),
        "hot_standby": "off",
        "max_connections": "200",
        "max_locks_per_transaction": "256",
        "max_prepared_transactions": "200",
        "autovacuum": "off",
        # A restore test is thrown away, and what stays is synchronised as a whole once it has
        # ended (`rebuilding.arrive`).
        "fsync": "off",
    }
    if route.at is not None:
        values["recovery_target_time"] = f"{route.at:%Y-%m-%d %H:%M:%S.%f}+00"
    return values


def _rendered(settings: dict[str, str]) -> str:
    def quoted(value: str) -> str:
        return value.replace("\\", "\\\\").replace("'", "''")

    return "".join(f"{name} = '{quoted(value)}'\n" for name, value in settings.items())


def _server_in(data: Path) -> proc.Process | None:
    """The live server of a data directory; a pid file that was left behind counts for nothing."""
    try:
        found = proc.find(int((data / "postmaster.pid").read_text().split()[0]))
        is_there = found is not None and os.readlink(f"/proc/{found.pid}/cwd") == os.path.realpath(
            data
        )
    except (OSError, ValueError, IndexError):
        return None
    return found if is_there else None


def _wait(
    process: subprocess.Popen[bytes], found: Recovered, log: Path, database: str, beat: Beat
) -> None:
    """Until it writes; replaying a day of WAL takes minutes, so only its end is an error."""
    while process.poll() is None:
        beat()
        try:
            with psycopg.connect(**found.connection, dbname=database) as server:
                row = server.execute("SELECT pg_is_in_recovery()").fetchone()
            if row and not row[0]:
                return
        except psycopg.OperationalError:
            # Not up yet; a server that gives up ends by itself.
            pass
        time.sleep(_POLL_S)
    said = log.read_text(errors="replace")
    if _TOO_SHORT in said:
        text = "The WAL of this backup ends before that time. Name an earlier one."
        raise BackupError(text, permanent=True)
    tail = " | ".join(said.splitlines()[-4:])
    raise BackupError(f"The restored database did not start. Its last words: {tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Fast and clean, so that the next start has nothing to recover."""
    if process.poll() is None:
        process.send_signal(2)
    try:
        process.wait(timeout=300)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
