"""A Debian machine that systemd runs: a container in which a person installs a server.

It has a network, a firewall, a PostgreSQL and a Docker engine of its own, and the packages that a
server needs, so that it asks no mirror. The host's kernel is shared: what would change that for
everybody (sysctl, modules, devices) is masked.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dotmac.server import machine, plan
from dotmac.server.options import Layout, Options
from images import host
from tests.live_platform import ROOT, until

SUITE = "bookworm"
IMAGE = "dotmac-tests/debian-systemd"
INPUTS = "dotmac.tests.inputs"
CHECKOUT = "/srv/dotmac"
# Of what a person's machine has, what a bare one lacks.
_COMMON = ("systemd-sysv", "dbus", "procps", "iproute2")
_LEFT_OUT = ("man", "doc", "locale", "info")
_MASKED = (
    *("systemd-sysctl.service", "systemd-modules-load.service", "systemd-binfmt.service"),
    *("proc-sys-fs-binfmt_misc.automount", "proc-sys-fs-binfmt_misc.mount"),
    *("sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount"),
    *("dev-hugepages.mount", "dev-mqueue.mount", "sys-fs-fuse-connections.mount"),
    *("getty.target", "console-getty.service", "systemd-logind.service"),
    *("systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer"),
)
# As --privileged, but for a right that containers and some virtual machines cannot give.
_FREEDOM = (
    *("--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE", "--device-cgroup-rule", "a *:* rwm"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--security-opt", "systempaths=unconfined"),
)
_BOOT = """\
for one in $(awk '$3 ~ /^cgroup/ { print $2 }' /proc/mounts); do mount -o remount,bind,rw $one; done
exec /sbin/init"""
_STARTED_S = 180
_ENDED_S = 150


class Debian:
    """One machine, from its first start until it is taken away."""

    def __init__(self) -> None:
        self.name = f"dotmac-tests-debian-{os.getpid()}"

    def start(self) -> None:
        """Make and start it; it has a checkout of this tree, and nobody has installed anything."""
        uv, cache = _uv()
        # As a wire that leads to this host alone.
        _docker("network", "create", "--internal", self.name)
        _docker(
            *("run", "--detach", "--name", self.name, "--hostname", "server"),
            *("--network", self.name),
            *_FREEDOM,
            *("--cgroupns", "private", "--tmpfs", "/run:exec,mode=755", "--tmpfs", "/run/lock"),
            *("--volume", "/var/lib/docker", "--env", "container=docker"),
            *("--stop-signal", "SIGRTMIN+3"),
            # Packages that were fetched for this tree; the machine is to ask no index either.
            *("--volume", f"{uv}:/usr/local/bin/uv:ro", "--volume", f"{cache}:/srv/packages"),
            *(_image(), "sh", "-c", _BOOT),
        )
        self._wait_started()
        tracked = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        self.unpack(ROOT, CHECKOUT, [name for name in tracked.split("\0") if name])
        self.commit("The release that is installed first")

    def remove(self) -> None:
        """Take it away with all that is in it."""
        for parts in (("rm", "--force", "--volumes"), ("network", "rm")):
            subprocess.run(["docker", *parts, self.name], capture_output=True, check=False)

    def ask(self, *command: str, folder: str = "/", **environment: str) -> str:
        """What a command says that has to succeed."""
        done = self.run(*command, folder=folder, **environment)
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout.strip()

    def run(
        self, *command: str, folder: str = "/", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """A command of root's on it; `stdout` has all that it said."""
        return subprocess.run(
            ["docker", "exec", *_variables(environment), "--workdir", folder, self.name, *command],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip

    def make(self, target: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A target of make's in the checkout."""
        return self.run("make", target, folder=CHECKOUT, **environment)

    def unpack(self, source: Path, folder: str, names: Sequence[str] = (".",)) -> None:
        """Bring files from here into a folder of the machine, as root's."""
        self.ask("mkdir", "-p", folder)
        packing = ["tar", "--create", "--owner=0", "--group=0", "--null", "--files-from=-"]
        packed = subprocess.run(
            packing, cwd=source, input="\0".join(names).encode(), capture_output=True, check=True
        )
        _docker("exec", "-i", self.name, "tar", "-xC", folder, given=packed.stdout)

    def load(self, *images: str) -> None:
        """Bring images over from the host's engine to its own."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
            subprocess.run(
                ["docker", "exec", "-i", self.name, "docker", "load"],
                stdin=saving.stdout, capture_output=True, check=True,
            )  # fmt: skip

    def commit(self, message: str) -> None:
        """Have git know the checkout as it is."""
        self.ask("git", "init", "--quiet", "--initial-branch=main", folder=CHECKOUT)
        who = ("-c", "user.name=Olivia", "-c", "user.email=olivia@dotmac.example")
        self.ask("git", "add", "--all", folder=CHECKOUT)
        self.ask("git", *who, "commit", "--quiet", "--message", message, folder=CHECKOUT)

    def fetch(self, name: str, to: Path) -> Path:
        """A file of it, here."""
        to.write_text(self.ask("cat", name))
        return to

    def sql(self, statement: str) -> list[str]:
        """Rows of a query on its own database, as text."""
        psql = ("runuser", "-u", "postgres", "--", "psql", "-XqtA", "dotmac", "-c", statement)
        return self.ask(*psql).splitlines()

    def act(self, act: str, **arguments: str) -> dict[str, Any]:
        """Have somebody do something (tests.docker.actions), by the release that serves."""
        layout = Layout(Path("/"))
        asked = json.dumps({"act": act, "with": arguments})
        python = str(layout.current / ".venv/bin/python")
        script = f"cd {CHECKOUT} && echo '{asked}' | {python} -m tests.docker.actions 2>&1"
        given = plan.environment(layout, layout.current)
        said = self.ask("runuser", "-u", "dotmac", "--", "sh", "-c", script, **given)
        answer: dict[str, Any] = json.loads(said.splitlines()[-1])
        assert "result" in answer, said
        result: dict[str, Any] = answer["result"]
        return result

    @property
    def address(self) -> str:
        """Where this host finds it; another one after its start."""
        return str(self._facts()["NetworkSettings"]["Networks"][self.name]["IPAddress"])

    def reboot(self) -> None:
        """As a person does it; services end in their order."""
        self.run("systemctl", "reboot")
        until(lambda: not self._runs(), what="The end of the machine", seconds=_ENDED_S)
        self._start_again()

    def cut_power(self) -> None:
        """Nothing ends in any order."""
        _docker("kill", self.name)
        self._start_again()

    def cut_power_after(self, step: str, *command: str) -> None:
        """Run a command in the checkout, and cut the power once it says that a step is done."""
        asked = ["docker", "exec", *_variables({}), "--workdir", CHECKOUT, self.name, *command]
        with subprocess.Popen(
            asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as child:
            assert child.stdout is not None
            said = []
            for line in child.stdout:
                said.append(line)
                if step in line:
                    self.cut_power()
                    return
        raise AssertionError(f"It never said {step!r}: {''.join(said)}")

    def _start_again(self) -> None:
        _docker("start", self.name)
        self._wait_started()

    def _wait_started(self) -> None:
        def has_started() -> bool:
            assert self._runs(), _docker("logs", self.name)
            said = self.run("systemctl", "is-system-running").stdout.strip()
            return said in ("running", "degraded")

        until(has_started, what="The start of the machine", seconds=_STARTED_S)

    def _runs(self) -> bool:
        return bool(self._facts()["State"]["Running"])

    def _facts(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(_docker("inspect", self.name))
        return found[0]


def packages() -> list[str]:
    """What such a machine has: all that the installer would fetch."""
    return sorted({*_COMMON, *machine.packages(Options(Layout(Path("/")), {}))})


def _variables(more: Mapping[str, str]) -> list[str]:
    """Of a command on it, as docker is told."""
    given = {"UV_CACHE_DIR": "/srv/packages", "UV_OFFLINE": "1", **more}
    return [part for name, text in given.items() for part in ("--env", f"{name}={text}")]


def _image() -> str:
    """The machine's disk, made once of Debian's packages."""
    script = _script()
    inputs = hashlib.sha256("\0".join(script).encode()).hexdigest()[:12]
    reference = f"{IMAGE}:{inputs}"
    if _docker("images", "--quiet", reference):
        return reference
    # It sends a signal to its whole group when it fails.
    with subprocess.Popen(script, stdout=subprocess.PIPE, start_new_session=True) as making:
        subprocess.run(
            ["docker", "import", "-", reference],
            stdin=making.stdout, capture_output=True, check=True,
        )  # fmt: skip
    if making.returncode:
        _docker("rmi", reference)
        raise AssertionError(f"mmdebstrap ended with {making.returncode}")
    return reference


def _script() -> list[str]:
    masks = " ".join(f'"$1/etc/systemd/system/{name}"' for name in _MASKED)
    return [
        *("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(packages())}"),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT),
        f"--customize-hook=for mask in {masks}; do ln -sf /dev/null $mask; done",
        *(SUITE, "-", *host.debian_sources(SUITE)),
    ]


def _uv() -> tuple[str, str]:
    """The program that installs packages, and the folder with those that it has fetched."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else _said("sh", "-c", "command -v uv")
    return os.path.realpath(uv), _said(uv, "cache", "dir")


def _git(*arguments: str) -> str:
    return _said("git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _docker(*arguments: str, given: bytes = b"") -> str:
    done = subprocess.run(["docker", *arguments], input=given, capture_output=True, check=False)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr.decode()}"
    return done.stdout.decode().strip()
