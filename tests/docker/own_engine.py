"""A machine of a test's own: a Docker engine with its own network, mounts and a small disk.

It lives in namespaces that a sleeping process holds open, so that the engine can be killed and
started again on the same machine, and the host's own engine, bridge and firewall stay untouched.
The host reaches its containers by a route, as an edge reaches another host of its region.
"""

import itertools
import os
import signal
import subprocess
from pathlib import Path

from dotmac.engine.docker import DockerEngine
from dotmac.engine.errors import EngineError
from tests.live_platform import until

_CONFIG = """{{
 "data-root": "{folder}/data", "exec-root": "{folder}/run", "pidfile": "{folder}/pid",
 "hosts": ["unix://{folder}/s.sock"], "storage-driver": "overlay2", "bip": "{prefix}.254.1/24"
}}"""


class OwnEngine:
    """The machine and its engine; `prefix` is what its networks' addresses begin with."""

    def __init__(self, folder: Path, disk_mb: int) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/s.sock"
        self.link = f"dmt{os.getpid()}"
        self._disk_mb = disk_mb
        self._holder: subprocess.Popen[bytes] | None = None
        self._engine: subprocess.Popen[bytes] | None = None
        self.prefix, self._second = "", 0

    def start_machine(self) -> None:
        """Namespaces, the disk and the wire to the host; then the engine."""
        for part in ("data", "run"):
            (self.folder / part).mkdir()
        image = self.folder / "disk.img"
        _run("truncate", "-s", f"{self._disk_mb}M", str(image))
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", "sleep", "infinity"]
        )
        until(self._is_apart, what="A namespace of its own")
        self._inside("mount", "-o", "loop", str(image), str(self.folder / "data"))
        self._inside("mkdir", "-p", "/run/docker")
        self._inside("mount", "-t", "tmpfs", "tmpfs", "/run/docker")
        self._wire()
        self.start()
        self._inside("iptables", "-I", "DOCKER-USER", "-i", "eth0", "-j", "ACCEPT")

    def _is_apart(self) -> bool:
        assert self._holder is not None
        return os.readlink(f"/proc/{self._holder.pid}/ns/net") != os.readlink("/proc/self/ns/net")

    def _wire(self) -> None:
        """A link to the host, and a range of addresses that the host uses for nothing else."""
        assert self._holder is not None
        _run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns",
             str(self._holder.pid))  # fmt: skip
        self._second = _free_range()
        self.prefix, end = f"10.{self._second}", f"10.{self._second + 1}.255"
        _run("ip", "addr", "add", f"{end}.253/30", "dev", self.link)
        _run("ip", "link", "set", self.link, "up")
        self._inside("ip", "link", "set", "lo", "up")
        self._inside("ip", "addr", "add", f"{end}.254/30", "dev", "eth0")
        self._inside("ip", "link", "set", "eth0", "up")
        self._inside("ip", "route", "add", "default", "via", f"{end}.253")
        _run("ip", "route", "add", f"{self.prefix}.0.0/15", "via", f"{end}.254")

    def start(self) -> None:
        """Start the engine, also after it was killed, and wait until it answers."""
        (self.folder / "pid").unlink(missing_ok=True)
        config = self.folder / "daemon.json"
        config.write_text(_CONFIG.format(folder=self.folder, prefix=f"10.{self._second + 1}"))
        with (self.folder / "log").open("ab") as log:
            self._engine = subprocess.Popen(
                [*self._enter(), "dockerd", "--config-file", str(config)], stdout=log, stderr=log
            )
        until(self._answers, what="An answer of the engine")

    def end(self, how: signal.Signals) -> None:
        """End the engine; its containers go on or end as the engine has it."""
        assert self._engine is not None
        companion = Path("/proc") / (self.folder / "run/containerd/containerd.pid").read_text()
        self._engine.send_signal(how)
        self._engine.wait(60)
        # A new engine would take the old one's dying containerd for one that it can use.
        until(lambda: not companion.exists(), what="The end of its containerd")

    def load(self, *images: str) -> None:
        """Bring images over from the host's engine."""
        with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as saving:
            _run("docker", "-H", self.url, "load", stdin=saving)

    def fill_disk(self, *, leave_mb: int = 0) -> None:
        """Take the room of its disk, all of it or but for so much."""
        free = "$(stat -f -c %a data) * $(stat -f -c %S data) / 1048576"
        script = f"cd {self.folder}; fallocate -l $(( {free} - {leave_mb or 8} ))M data/filler"
        if not leave_mb:
            script += "; dd if=/dev/zero bs=4k of=data/rest 2>/dev/null || true"
        self._inside("sh", "-c", script)

    def free_disk(self) -> None:
        """Give the room back."""
        self._inside("sh", "-c", f"rm -f {self.folder}/data/filler {self.folder}/data/rest")

    def remove(self) -> None:
        """End all of it; with the namespaces go mounts, link and route."""
        for process, how in ((self._engine, signal.SIGTERM), (self._holder, signal.SIGKILL)):
            if process is not None and process.poll() is None:
                process.send_signal(how)
                process.wait(60)

    def _answers(self) -> bool:
        engine = DockerEngine(self.url, timeout_s=5)
        try:
            return bool(engine.ping().version)
        except EngineError:
            return False
        finally:
            engine.close()

    def _enter(self) -> list[str]:
        assert self._holder is not None
        return ["nsenter", "--target", str(self._holder.pid), "--mount", "--net"]

    def _inside(self, *command: str) -> None:
        _run(*self._enter(), *command)


def _free_range() -> int:
    """The first of 10.10 to 10.88 that no route of the host leads to, of the two it stands for."""
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    taken = {line.split(".")[1] for line in routes.splitlines() if line.startswith("10.")}
    candidates = itertools.count(10 + 2 * (os.getpid() % 40), 2)
    return next(one for one in candidates if not {str(one), str(one + 1)} & taken)


def _run(*command: str, stdin: subprocess.Popen[bytes] | None = None) -> None:
    done = subprocess.run(
        command, stdin=stdin.stdout if stdin else None, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
