"""Building images over the engine's API, with the classic builder, which every engine has."""

import fcntl
import re
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils.build import create_archive

from images import host
from images.plan import BASE, ROOT, Image, images

OWN = "dotmac.platform"
INPUTS = "dotmac.inputs"
PULL_S = 15
BUILD_S = 1800
_SHOWN_LINES = 15
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
Report = Callable[[str], object]


class BuildError(Exception):
    """An image could not be made; the message has the failing step and its last lines."""


class Builder:
    """Makes the images of a release that the engine does not have yet."""

    def __init__(self, docker_host: str, *, report: Report = print) -> None:
        self.docker_host = docker_host
        self.report = report
        self.client = self._connect(BUILD_S)

    def build_all(self, version: str, only: tuple[str, ...] = ()) -> list[str]:
        """Build what is missing or outdated; returns the references made. BuildError."""
        with _one_at_a_time():
            base_id = self.ensure_base()
            wanted = [image for image in images(version) if _is_wanted(image, only)]
            made = [image.reference for image in wanted if self.ensure(image, base_id)]
            if made:
                self._prune()
        return made

    def ensure_base(self) -> str:
        """The id of debian:trixie-slim, pulled, or made here where no registry answers."""
        found = self._find(BASE)
        if found is None:
            self._pull_base() or self._make_base()
            found = self.client.inspect_image(BASE)
        return str(found["Id"])

    @cached_property
    def _host_files(self) -> dict[str, str]:
        """What this machine's network needs; asking apt takes a second."""
        return host.files()

    def _connect(self, timeout_s: int) -> docker.APIClient:
        try:
            return docker.APIClient(base_url=self.docker_host, version="auto", timeout=timeout_s)
        except DockerException as error:
            raise BuildError(
                f"The Docker engine at {self.docker_host} does not answer. Start it, or set"
                " DOTMAC_DOCKER_HOST."
            ) from error

    def _find(self, reference: str) -> dict[str, Any] | None:
        try:
            return self.client.inspect_image(reference)  # type: ignore[no-any-return]
        except ImageNotFound:
            return None

    def _pull_base(self) -> bool:
        name, _, tag = BASE.partition(":")
        self.report(f"{BASE}: pull")
        client = self._connect(PULL_S)
        try:
            for line in client.pull(name, tag=tag, stream=True, decode=True):
                if "error" in line:
                    return False
        except (APIError, requests.RequestException):
            return False
        finally:
            client.close()
        return self._find(BASE) is not None

    def _make_base(self) -> bool:
        self.report(f"{BASE}: make from Debian's packages")
        name, _, tag = BASE.partition(":")
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "base.tar"
            command = [str(ROOT / "images/base.sh"), str(archive), *host.debian_sources()]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                tail = "\n".join(ran.stderr.splitlines()[-_SHOWN_LINES:])
                raise BuildError(f"The base image {BASE} could not be made.\n{tail}")
            self.client.import_image_from_file(
                str(archive),
                repository=name,
                tag=tag,
                changes=[f"LABEL {OWN}=1", 'CMD ["bash"]'],
            )
        return True

    def ensure(self, image: Image, base_id: str) -> bool:
        """Build one image unless the engine has it from the same inputs; whether it was built."""
        digest = image.digest(base_id)
        found = self._find(image.reference)
        if found and (found["Config"].get("Labels") or {}).get(INPUTS) == digest:
            return False
        began = time.monotonic()
        self._build(image, digest)
        self.report(f"{image.reference}: built in {time.monotonic() - began:.0f} s")
        return True

    def _build(self, image: Image, digest: str) -> None:
        extra = self._host_files if image.context == ROOT else {}
        with _context(image, extra) as archive:
            lines = self.client.build(
                fileobj=archive,
                custom_context=True,
                tag=image.reference,
                target=image.target or None,
                labels={OWN: "1", INPUTS: digest},
                buildargs=host.proxies(),
                # A proxy or a mirror may listen on this machine's loopback only.
                network_mode="host",
                rm=True,
                forcerm=True,
                decode=True,
            )
            try:
                self._follow(image, lines)
            except (APIError, requests.RequestException) as error:
                raise BuildError(f"{image.reference} could not be built: {error}") from error

    def _follow(self, image: Image, lines: Iterator[dict[str, Any]]) -> None:
        tail: deque[str] = deque(maxlen=_SHOWN_LINES)
        step = ""
        for line in lines:
            if "error" in line:
                said = "\n".join(tail)
                raise BuildError(
                    f"{image.reference} could not be built. {step}\n{said}\n{line['error']}"
                )
            for text in _COLOURS.sub("", str(line.get("stream", ""))).splitlines():
                if text.startswith("Step "):
                    step = text
                    self._announce(image, text)
                elif text.strip():
                    tail.append(text.rstrip())

    def _announce(self, image: Image, step: str) -> None:
        """One line a stage: `Step 13/54 : FROM debian:trixie-slim AS python-root`."""
        _before, is_named, stage = step.partition(" AS ")
        if " FROM " in step and is_named:
            self.report(f"{image.reference}: {stage}")

    def _prune(self) -> None:
        """Remove what these builds replaced, and nothing that others made."""
        self.client.prune_images(filters={"dangling": True, "label": [f"{OWN}=1"]})


def _is_wanted(image: Image, only: tuple[str, ...]) -> bool:
    """The stages always are: the images stand on them."""
    name = image.reference.partition("/")[2].partition(":")[0]
    return not only or name in ("stage", *only)


@contextmanager
def _context(image: Image, extra: dict[str, str]) -> Iterator[IO[bytes]]:
    """The build context as a tar file, with files that are not in its directory."""
    with tempfile.TemporaryFile() as file:
        create_archive(
            root=str(image.context),
            files=image.files(),
            fileobj=file,
            extra_files=[(f"images/host/{name}", text) for name, text in extra.items()],
        )
        file.seek(0)
        yield file


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two builds of the same images at once would both do all the work."""
    path = Path(tempfile.gettempdir()) / "dotmac-images.lock"
    # Only read: another user's file in such a folder cannot be opened as one that may be new.
    if not path.exists():
        path.touch(mode=0o644)
    with path.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
