"""A Docker engine for this machine: found, or installed and started where we may do that.

python -m dev.dockerd ensure LOG_DIRECTORY    start an engine unless one answers
python -m dev.dockerd stop LOG_DIRECTORY      end the engine that `ensure` started itself
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from dotmac.server import proc
from dotmac.server.errors import SetupError

SOCKET = Path("/var/run/docker.sock")
CONFIGURATION = Path("/etc/docker/daemon.json")
# Docker's own pools end at about 31 networks, and every instance takes two.
DAEMON = {
    "default-address-pools": [{"base": "10.213.0.0/16", "size": 26}],
    "log-driver": "json-file",
    "log-opts": {"max-size": "10m", "max-file": "3"},
}
PACKAGES = ("docker.io", "iptables")
START_SECONDS = 60
HINT = (
    "To add hosts, install a Docker engine (Debian and Ubuntu: apt-get install docker.io iptables),"
    " let this user reach /var/run/docker.sock, then run make up again."
)


def answers(path: Path = SOCKET) -> bool:
    """Whether an engine answers on the socket within two seconds."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(path))
            client.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in client.recv(64)
    except OSError:
        return False


def may_install() -> bool:
    """Only root on Debian or Ubuntu gets an engine installed unasked."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and _is_debian()


def ensure(logs: Path, *, tick: Callable[[], None] = lambda: None) -> None:
    """Have an engine answer, installing and starting one as root; raises SetupError."""
    if answers():
        return
    if not may_install():
        raise SetupError(_why_unreachable())
    logs.mkdir(parents=True, exist_ok=True)
    if shutil.which("dockerd") is None:
        _install(logs / "docker-install.log", tick)
    _start(logs, tick)


def stop(logs: Path) -> None:
    """End the `dockerd` that `ensure` started without systemd; any other is left alone."""
    record = logs / "dockerd.pid"
    try:
        pid, started = map(int, record.read_text().split())
    except (OSError, ValueError):
        return
    proc.end(proc.Process(pid, started), seconds=30)
    record.unlink(missing_ok=True)


def _is_debian() -> bool:
    try:
        return "debian" in Path("/etc/os-release").read_text()
    except OSError:
        return False


def _why_unreachable() -> str:
    if SOCKET.exists() and not os.access(SOCKET, os.W_OK):
        return "This user may not reach the Docker engine. Add it to the group docker and log in."
    return f"No Docker engine answers on {SOCKET}. {HINT}"


def _install(log: Path, tick: Callable[[], None]) -> None:
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES],
    ):
        if _run(command, log, tick):
            raise SetupError(f"Docker could not be installed; details in {log}. {HINT}")


def _run(command: list[str], log: Path, tick: Callable[[], None]) -> int:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with log.open("ab") as output:
        child = subprocess.Popen(
            command, env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while True:
            try:
                return child.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                tick()


def _start(logs: Path, tick: Callable[[], None]) -> None:
    if not CONFIGURATION.exists():
        CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
        CONFIGURATION.write_text(json.dumps(DAEMON, indent=2) + "\n")
    if Path("/run/systemd/system").is_dir():
        _run(["systemctl", "restart", "docker"], logs / "docker-install.log", tick)
        log = "journalctl -u docker"
    else:
        log = str(logs / "dockerd.log")
        _start_daemon(logs)

    def is_up() -> bool:
        tick()
        return answers()

    if not proc.wait_until(is_up, START_SECONDS, interval=0.2):
        raise SetupError(f"The Docker engine does not start; its log: {log}. {HINT}")


def _start_daemon(logs: Path) -> None:
    """Start dockerd in a session of its own, so that it survives Ctrl-C and `make down`."""
    with (logs / "dockerd.log").open("ab") as log:
        child = subprocess.Popen(
            ["dockerd"], cwd="/", start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    daemon = proc.find(child.pid)
    if daemon:
        (logs / "dockerd.pid").write_text(f"{daemon.pid} {daemon.started}\n")


def main() -> int:
    action, logs = sys.argv[1], Path(sys.argv[2])
    try:
        ensure(logs) if action == "ensure" else stop(logs)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
