"""A real S3 service on this machine, as the place off site; it can be stopped and started again."""

import json
import secrets
import subprocess
import sysconfig
import urllib.error
import urllib.request
from pathlib import Path

from dev.ports import free_port
from dotmac.backups import Store, Target
from dotmac.backups.rclone import binary
from dotmac.crypto.secret import Secret
from tests.live_platform import until

BUCKET = "dotmac"


class Offsite:
    """SeaweedFS in a folder, with one bucket and one key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._others = [free_port() for _each in range(7)]
        self.user, self.secret = "backup", secrets.token_hex(20)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> Target:
        """Where backups go."""
        address = f"http://127.0.0.1:{self.port}/{BUCKET}/platform"
        return Target("s3", address, self.user, Secret(self.secret))

    def store(self, key: str = "the key of the backups") -> Store:
        """The place through a key."""
        return Store(self.target, Secret(key))

    def start(self) -> None:
        """Start it, or start it again with what it holds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        credentials = [{"accessKey": self.user, "secretKey": self.secret}]
        identity = {"name": "dotmac", "credentials": credentials, "actions": ["Admin"]}
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = self._others
        command = [
            str(Path(sysconfig.get_path("scripts")) / "weed"), "server",
            f"-dir={self.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-master.port={master}", f"-master.port.grpc={master_grpc}",
            f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}",
            "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}",
            "-s3", f"-s3.port={self.port}", f"-s3.port.grpc={s3_grpc}", f"-s3.config={config}",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
            "-master.volumeSizeLimitMB=256", "-volume.max=100",
        ]  # fmt: skip
        log = (self.folder / "weed.log").open("ab")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
        )
        until(self._answers, what="The place off site", seconds=90)
        until(self._takes, what="A bucket that takes", seconds=90)

    def stop(self) -> None:
        """As when the other site is away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def _takes(self) -> bool:
        """Make the bucket, as somebody does once, and see that it is written to."""

        store = self.store()
        with store._environment() as environment:
            own = {**environment, "RCLONE_CONFIG_BASE_NO_CHECK_BUCKET": "false"}
            command = [str(binary()), "--config=", "--retries=1", "--low-level-retries=1"]
            ran = subprocess.run(
                [*command, "mkdir", f"base:{BUCKET}"], env=own, check=False, capture_output=True
            )
            wrote = subprocess.run(
                [*command, "rcat", f"base:{BUCKET}/first"],
                env=own, check=False, capture_output=True, input=b"first",
            )  # fmt: skip
        return ran.returncode == 0 and wrote.returncode == 0
