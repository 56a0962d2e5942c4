"""Backups of a real server into a real place, and what can go wrong with both."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dev.ports import free_port
from dotmac.backups import (
    DamagedError,
    Database,
    MissingError,
    Repository,
    Store,
    TakenOverError,
    Target,
    TargetAwayError,
    TargetFullError,
    TargetRefusedError,
    WrongKeyError,
)
from dotmac.backups.choosing import choose
from dotmac.backups.rclone import binary, obscured
from dotmac.backups.records import BackupSet, read_bundles, read_repository, read_sets
from dotmac.backups.retention import Keep, forget
from dotmac.backups.taking import check, take
from dotmac.backups.wal import carry, held, keep_within, waiting_in
from dotmac.crypto.secret import Secret
from tests.backups.acts import TOKEN, Server, begun, close, nothing, restored, write
from tests.backups.offsite import Offsite
from tests.live_platform import ROOT, until


def _take(cluster: Database, store: Store, repository: Repository, kind: str) -> BackupSet:
    return take(cluster, store, repository, kind=kind, version="0", beat=nothing)


def _carry(cluster: Database, store: Store) -> None:
    carry(cluster.spool, store, 1, beat=nothing)


def test_a_moment_before_a_mistake_comes_back(
    cluster: Database, server: Server, offsite: Offsite, far_folder: Path
) -> None:
    target = Target("s3", f"{offsite.target.address}/moment", offsite.user, Secret(offsite.secret))
    store = Store(target, Secret("a key"))
    repository = begun(store)
    write(server, "before the full one")
    assert _take(cluster, store, repository, "full").kind == "full"
    write(server, "before the differential one")
    second = _take(cluster, store, repository, "differential")
    assert second.kind == "differential"
    good = write(server, "kept")
    server.execute("DELETE FROM note")
    write(server, "after")
    close(server, cluster)
    _carry(cluster, store)
    with restored(cluster, store, far_folder, good) as notes:
        assert notes == ["before the differential one", "before the full one", "kept"]
    with restored(cluster, store, far_folder) as notes:
        assert notes == ["after"]
    with pytest.raises(MissingError, match="reaches until"):
        choose(repository, read_sets(store), read_bundles(store), datetime.now(UTC) + timedelta(1))
    with pytest.raises(MissingError, match="earliest time"):
        choose(repository, read_sets(store), read_bundles(store), datetime.now(UTC) - timedelta(1))


def test_a_flipped_byte_is_found_and_named(
    cluster: Database, server: Server, store: Store, repository: Repository, far_folder: Path
) -> None:
    made = _take(cluster, store, repository, "full")
    check(store, made, beat=nothing)
    file = far_folder / f"offsite/sets/{made.name}/base.tar.gz.bin"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DamagedError, match=rf"{made.name}/base\.tar\.gz"):
        check(store, made, beat=nothing)
    with (
        pytest.raises(DamagedError, match=rf"{made.name}/base\.tar\.gz"),
        restored(cluster, store, far_folder),
    ):
        pass


def test_what_lacks_its_end_is_found_too(
    cluster: Database, server: Server, store: Store, repository: Repository, far_folder: Path
) -> None:
    made = _take(cluster, store, repository, "full")
    file = far_folder / f"offsite/sets/{made.name}/manifest.gz.bin"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(DamagedError, match=r"manifest\.gz"):
        check(store, made, beat=nothing)


_SLOW = """
import sys, time
from pathlib import Path
from dotmac.backups import Database, Programs, Store, Target
from dotmac.backups.records import read_repository
from dotmac.backups.taking import take
from dotmac.crypto.secret import Secret
binaries, root, port, place = sys.argv[1:]
programs = Programs.for_owner_of(Path(binaries), Path(root) / "data")
password = Secret(sys.stdin.readline().strip())
database = Database(programs, Path(root), "127.0.0.1", int(port), password)
store = Store(Target("directory", place), Secret("the key of the backups"))
def beat():
    print("reading", flush=True)
    time.sleep(600)
take(database, store, read_repository(store), kind="full", version="0", beat=beat)
"""


def test_a_killed_backup_counts_as_none_and_the_next_goes_on(
    cluster: Database, server: Server, store: Store, repository: Repository, far_folder: Path
) -> None:
    arguments = [str(cluster.programs.directory), str(cluster.root), str(cluster.port)]
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW, *arguments, str(far_folder / "offsite")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{cluster.password.reveal()}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "reading\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert read_sets(store) == []
    write(server, "whole")
    made = _take(cluster, store, repository, "differential")
    assert made.kind == "full"
    assert [one.name for one in read_sets(store)] == [made.name]
    with restored(cluster, store, far_folder) as notes:
        assert notes == ["whole"]
    # What was left goes once nobody can be at it any more.
    forget(store, Keep(), datetime.now(UTC) + timedelta(days=3))
    folders = {entry.name.split("/")[1] for entry in store.list("sets")}
    assert folders == {made.name}


def test_rclone_reads_the_password_that_it_is_given() -> None:
    key = "le clé des sauvegardes" * 9
    read = [str(binary()), "reveal", obscured(Secret(key))]
    assert subprocess.run(read, capture_output=True, text=True, check=True).stdout.strip() == key


def test_changes_wait_while_the_place_is_away_and_are_carried_when_it_is_back(
    cluster: Database, server: Server, far_folder: Path
) -> None:
    away = Offsite(far_folder / "away")
    away.start()
    try:
        store = away.store()
        repository = begun(store)
        _take(cluster, store, repository, "full")
        away.stop()
        write(server, "one")
        first = close(server, cluster)
        write(server, "two")
        second = close(server, cluster)
        with pytest.raises(TargetAwayError):
            _carry(cluster, away.store())
        assert [file.name for file in waiting_in(cluster.spool)] == [first, second]
        away.start()
        _carry(cluster, store)
        assert waiting_in(cluster.spool) == []
        with restored(cluster, store, far_folder) as notes:
            assert notes == ["one", "two"]
    finally:
        away.stop()


def test_the_disk_of_this_machine_is_kept_free_and_a_gap_is_known(
    cluster: Database, server: Server, store: Store, repository: Repository, far_folder: Path
) -> None:
    _take(cluster, store, repository, "full")
    lost = []
    for text in ("one", "two", "three"):
        write(server, text)
        lost.append(close(server, cluster))
    assert keep_within(cluster.spool, 32 << 20) == 1
    _carry(cluster, store)
    route = choose(repository, read_sets(store), read_bundles(store))
    assert route.misses == lost[0]
    with restored(cluster, store, far_folder) as notes:
        assert notes == []
    # A backup after it reaches what came after it.
    _take(cluster, store, repository, "differential")
    with restored(cluster, store, far_folder) as notes:
        assert notes == ["one", "three", "two"]


def test_a_full_place_says_so_and_nothing_counts(
    cluster: Database, server: Server, far_folder: Path
) -> None:
    small = far_folder / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("Only root can make a place that is full.")
    try:
        store = Store(Target("directory", str(small)), Secret("a key"))
        repository = begun(store)
        with pytest.raises(TargetFullError):
            _take(cluster, store, repository, "full")
        assert read_sets(store) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_another_key_and_other_credentials_are_told_apart(
    offsite: Offsite, store: Store, repository: Repository
) -> None:
    with pytest.raises(WrongKeyError, match="another installation"):
        read_repository(Store(store.target, Secret("the key of somebody else")))
    target = Target("s3", offsite.target.address, offsite.user, Secret("a wrong secret"))
    with pytest.raises(TargetRefusedError):
        Store(target, Secret("a key")).write("probe.txt", b"hello")


def test_a_machine_that_was_replaced_writes_no_more(store: Store, repository: Repository) -> None:
    assert held(store, TOKEN) == repository
    with pytest.raises(TakenOverError, match="Another machine"):
        held(store, "the machine before")


def make_key(file: Path) -> None:
    """A key of a server, with its public half beside it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(command, check=True)


def test_sftp_takes_backups_from_a_server_that_proves_itself(far_folder: Path) -> None:
    key = far_folder / "host_key"
    make_key(key)
    port = free_port()
    served = far_folder / "served"
    served.mkdir()
    command = [str(binary()), "serve", "sftp", "--config=", f"--addr=127.0.0.1:{port}"]
    command += ["--user=backup", "--pass=a password", f"--key={key}", str(served)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        host_key = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        address = f"sftp://127.0.0.1:{port}/platform"
        target = Target("sftp", address, "backup", Secret("a password"), host_key=host_key)
        store = Store(target, Secret("a key"))

        def takes() -> bool:
            try:
                store.write("notes/probe.txt", b"hello")
            except TargetAwayError:
                return False
            return True

        until(takes, what="The SFTP server")
        assert store.read("notes/probe.txt") == b"hello"
        assert b"hello" not in (served / "platform/notes/probe.txt.bin").read_bytes()
        other = far_folder / "other"
        make_key(other)
        wrong = " ".join(other.with_suffix(".pub").read_text().split()[:2])
        posing = Target("sftp", address, "backup", Secret("a password"), host_key=wrong)
        with pytest.raises(TargetRefusedError):
            Store(posing, Secret("a key")).read("notes/probe.txt")
    finally:
        process.terminate()
        process.wait()
