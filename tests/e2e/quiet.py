"""A network of the browser's own, which stays still while containers come and go.

Chromium drops what it is loading whenever an interface of its machine changes, and each container
that starts or ends changes some. So the browser runs in a network namespace that has a loopback
only; each port that it needs is relayed from there, through a socket file, to the machine's.

    python -m tests.e2e.quiet FOLDER PORT,PORT COMMAND…      inside the namespace
"""

import asyncio
import contextlib
import fcntl
import os
import shlex
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_SOCKET = "relay.sock"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
# Playwright speaks with the browser through these.
_PIPES = (3, 4)


def unshare() -> list[str]:
    """The command that makes a namespace here; empty where that is not allowed."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    try:
        done = subprocess.run([*command, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return []
    return command if done.returncode == 0 else []


@contextmanager
def quiet_browser(browser: str, ports: Iterable[int], folder: Path) -> Iterator[str]:
    """A program that starts the browser in a network of its own; the browser itself otherwise."""
    inside = unshare()
    if not inside:
        yield browser
        return
    listed = ",".join(map(str, ports))
    script = folder / "browser.sh"
    command = [*inside, sys.executable, "-m", __name__, str(folder), listed, browser]
    script.write_text(f'#!/bin/sh\ncd {shlex.quote(str(ROOT))}\nexec {shlex.join(command)} "$@"\n')
    script.chmod(0o755)
    with _served(folder / _SOCKET):
        yield str(script)


@contextmanager
def _served(path: Path) -> Iterator[None]:
    """Connect what comes through the socket file to the machine's loopback."""
    loop = asyncio.new_event_loop()
    started = threading.Event()

    async def serve() -> None:
        server = await asyncio.start_unix_server(_outward, str(path))
        started.set()
        async with server:
            await server.serve_forever()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    task = loop.create_task(serve())
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)


async def _outward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    port = int(await reader.readline())
    try:
        there = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        writer.close()
        return
    await _join(reader, writer, *there)


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Pass bytes both ways until both sides are done."""
    await asyncio.gather(_pour(reader, far_writer), _pour(far_reader, writer))


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while block := await source.read(65536):
            target.write(block)
            await target.drain()
    with contextlib.suppress(OSError):
        target.close()


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, asked))
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


async def _relay(folder: Path, ports: list[int], command: list[str]) -> int:
    """Listen on the ports, run the browser, and end with it."""
    for port in ports:
        await asyncio.start_server(_inward(folder / _SOCKET, port), "127.0.0.1", port)
    browser = await asyncio.create_subprocess_exec(*command, pass_fds=_PIPES)
    return await browser.wait()


def _inward(path: Path, port: int):  # type: ignore[no-untyped-def]
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(str(path))
        except OSError:
            writer.close()
            return
        far_writer.write(f"{port}\n".encode())
        await _join(reader, writer, far_reader, far_writer)

    return connected


if __name__ == "__main__":
    _raise_loopback()
    wanted = [int(port) for port in sys.argv[2].split(",") if port]
    sys.exit(asyncio.run(_relay(Path(sys.argv[1]), wanted, sys.argv[3:])))
