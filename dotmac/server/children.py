"""manage.py of a release, and other tools, as children that end with us."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from dotenv import dotenv_values

from dotmac.crypto.secret import Secret
from dotmac.server import logs, plan, proc
from dotmac.server.errors import SetupError
from dotmac.server.logs import without_stack
from dotmac.server.options import Options, is_kept
from dotmac.server.releases import Release
from dotmac.server.terminal import Terminal

_TICK_S = 0.1
_SHOWN = 8
# Bytes at the end of a log in which its newest line is looked for.
_TAIL = 4096
# Shorter ones are no secrets, and would hide half of what is said.
_SECRET_LENGTH = 8
# What a person set for us, and what would make a release another than it is.
_DROPPED = frozenset(
    {
        "DOTMAC_ROLE", "SECRET_KEY", "FIELD_KEYS", "VENV", "RELEASE", "DEBUG",
        "BACKUP_SECRET", "KIT_PASSPHRASE", "MAKEFLAGS", "MFLAGS",
    }
)  # fmt: skip
_HIDDEN = re.compile("KEY|TOKEN|URL|TARGET|PASSWORD|SECRET")
# Of keys there may be several, and one may have several lines.
_BETWEEN = re.compile(r"[,\n]")


def manage(
    options: Options,
    release: Release,
    terminal: Terminal,
    *arguments: str,
    as_root: bool = False,
    is_logged: bool = True,
    given: Secret | None = None,
    watch: Callable[[str], None] | None = None,
) -> list[str]:
    """Run manage.py to its end; what it said. Raises SetupError with its last words.

    `given` is what it reads from its standard input; `watch` gets its newest line now and then.
    """
    why = f"manage.py {arguments[0]} of release {release.name} failed."
    command = [str(release.python), "manage.py", *arguments]
    user = {} if as_root else identity(options)
    environment = environment_of(options, release)
    how = {"cwd": release.home, "env": environment, **user}
    how |= {"is_logged": is_logged, "given": given, "watch": watch}
    return call(options, terminal, command, why, **how)


def call(
    options: Options,
    terminal: Terminal,
    command: Sequence[str],
    why: str,
    *,
    is_logged: bool = True,
    given: Secret | None = None,
    watch: Callable[[str], None] | None = None,
    **how: Any,
) -> list[str]:
    """Run a tool with its output in the log; raises SetupError that begins with `why`.

    What lets somebody in is not to be logged.
    """
    with (
        logs.opened(options.layout.action_log) if is_logged else TemporaryFile() as output,
        _holding(given) as source,
    ):
        begins = output.seek(0, os.SEEK_END)
        child = subprocess.Popen(
            command, stdin=source, stdout=output, stderr=subprocess.STDOUT,
            preexec_fn=proc.die_with_parent, **how,  # noqa: PLW1509 - there is one thread
        )  # fmt: skip

        def tick() -> None:
            if watch is not None:
                watch(_newest_line(output, begins))
            terminal.tick()

        code = _wait(child, tick)
        output.seek(begins)
        said = output.read().decode(errors="replace").splitlines()
    if code:
        words = told(options, without_stack(said)[-_SHOWN:])
        raise SetupError(f"{why} {words}", code=code)
    return said


def _newest_line(output: BinaryIO, begins: int) -> str:
    """The last whole line of what a child has written by now; the child's own place stays."""
    end = os.fstat(output.fileno()).st_size
    size = min(end - begins, _TAIL)
    said = os.pread(output.fileno(), size, end - size) if size > 0 else b""
    lines = said.decode(errors="replace").split("\n")[:-1]
    return lines[-1] if lines else ""


@contextmanager
def _holding(given: Secret | None) -> Iterator[int]:
    """A file of memory that a child reads it from: neither arguments nor the disk hold a secret."""
    if given is None:
        yield subprocess.DEVNULL
        return
    source = os.memfd_create("given")
    try:
        os.write(source, given.reveal().encode())
        os.lseek(source, 0, os.SEEK_SET)
        yield source
    finally:
        os.close(source)


def environment_of(options: Options, release: Release) -> dict[str, str]:
    """What a child of a release is given: settings and secrets it reads from the server's file."""
    given = os.environ.items()
    inherited = {name: text for name, text in given if name not in _DROPPED and not is_kept(name)}
    home = str(options.layout.var) if options.user else os.environ.get("HOME", "/")
    return {**inherited, "HOME": home, **plan.environment(options.layout, release.home)}


def identity(options: Options) -> dict[str, Any]:
    """The services' user, for Popen; nothing where we are not root, or there is none."""
    if not options.user or os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam(options.user)
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}


def give(options: Options, path: Path) -> None:
    """Have a file or folder be the services' user's."""
    found = identity(options)
    if found:
        os.chown(path, found["user"], found["group"], follow_symlinks=False)


def told(options: Options, lines: Sequence[str]) -> str:
    """Last words below a sentence, without any secret that the server knows."""
    text = "".join(f"\n      {line}" for line in lines)
    for name, value in dotenv_values(options.layout.env_file).items():
        for secret in (value, *_BETWEEN.split(value)) if value and _HIDDEN.search(name) else ():
            if len(secret) >= _SECRET_LENGTH:
                text = text.replace(secret, "…")
    return f"Its last words:{text}" if text else ""


def _wait(child: subprocess.Popen[bytes], tick: Callable[[], None]) -> int:
    while True:
        try:
            return child.wait(timeout=_TICK_S)
        except subprocess.TimeoutExpired:
            tick()
