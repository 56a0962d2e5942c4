"""What systemd is told, and that it understands it."""

import subprocess
from pathlib import Path

import pytest

from dotmac.server.options import Layout, Options
from dotmac.server.services.systemd import units

_GOLDEN = Path(__file__).with_name("units")
_DOMAINS = {"BASE_DOMAIN": "isp.example", "APPS_DOMAIN": "isp-apps.example"}


def written(**values: str) -> dict[str, str]:
    """Of a server below /, as its owner gets them."""
    return units(Options(Layout(Path("/")), {**_DOMAINS, **values}))


@pytest.mark.parametrize("name", ["edge", "web-a", "web-b", "worker", "clock"])
def test_a_unit_is_as_it_was_when_somebody_last_looked(name: str) -> None:
    file = f"dotmac-{name}.service"
    assert written()[file] == (_GOLDEN / file).read_text()


def test_no_unit_holds_a_secret_or_another_user() -> None:
    for text in written(SECRET_KEY="a-secret", EMAIL_URL="smtp://u:p@host").values():
        assert "a-secret" not in text
        assert "smtp" not in text
        assert "User=dotmac\n" in text


def test_only_the_edge_may_take_low_ports() -> None:
    holders = [name for name, text in written().items() if "CAP_NET_BIND_SERVICE" in text]
    assert holders == ["dotmac-edge.service"]


def test_without_docker_nothing_is_in_its_group() -> None:
    assert "SupplementaryGroups=docker" in "".join(written().values())
    assert "SupplementaryGroups" not in "".join(written(DOTMAC_DOCKER="off").values())


def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    found = written(SYSTEM_USER="root", DOTMAC_DOCKER="off")
    for name, text in found.items():
        # It looks whether programs and folders are there, which only a server has.
        lines = [_here(line) for line in text.splitlines()]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    files = [str(tmp_path / name) for name in found]
    done = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "dotmac-" in line]
    assert ours == []


def _here(line: str) -> str:
    if line.startswith("ExecStart="):
        return "ExecStart=/bin/true"
    return "WorkingDirectory=/" if line.startswith("WorkingDirectory=") else line
