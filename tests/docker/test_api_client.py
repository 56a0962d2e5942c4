"""The typed client of the API, as the guide uses it, against a running platform."""

import re
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev.api_client import KINDS, make
from tests.live_platform import LivePlatform

pytestmark = pytest.mark.docker
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "api-quickstart.md"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    for kind in KINDS:
        make(kind, folder)
    return folder


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program in the guide."""
    (text,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    file = tmp_path / "program.py"
    file.write_text(text)
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_host_has_a_package_with_types(packages: Path, kind: str) -> None:
    assert (packages / f"dotmac-{kind}" / f"dotmac_{kind}" / "py.typed").exists()


def test_the_program_in_the_guide_has_no_fault_of_types(packages: Path, program: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(program)],
        env={"MYPYPATH": str(packages / "dotmac-workspace")},
        cwd=program.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_it_runs_against_a_workspace(
    live_platform: LivePlatform,
    packages: Path,
    program: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slug = f"api-{secrets.token_hex(3)}"
    facts = live_platform.act("sign_up", slug=slug, plan="starter", region="local")
    key = live_platform.act("make_key", slug=slug, level="workspace")["key"]
    monkeypatch.setenv("HOST", f"https://{facts['hostname']}:{live_platform.ports['https']}")
    monkeypatch.setenv("KEY", key)
    _trust(live_platform, monkeypatch)
    monkeypatch.syspath_prepend(packages / "dotmac-workspace")
    exec(compile(program.read_text(), str(program), "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    number = first.removeprefix("Added ")
    assert second == f"{number} Fay Fox lead"


def _trust(platform: LivePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `make trust` and a browser's resolver do."""
    monkeypatch.setenv("SSL_CERT_FILE", str(platform.folder / "keys" / "ca.pem"))
    resolve = socket.getaddrinfo

    def local(host: Any, *args: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith("localhost") else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local)
