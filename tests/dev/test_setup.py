"""What is checked before anything starts, and the files that are made once."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from environs import Env

from dev.lint import no_hosts
from dev.skipped import shortfalls
from dev.up import summary
from dev.up.checks import check_ports
from dev.up.options import ROOT, Options
from dotmac.server.environment import OFFLINE, Environment, check_disk
from dotmac.server.errors import SetupError
from dotmac.server.keys import ensure_secrets
from dotmac.server.logs import STACK, last_words
from dotmac.server.terminal import Terminal
from tests.dev.conftest import StandInRun


def listening(family: int = socket.AF_INET, address: str = "127.0.0.1") -> socket.socket:
    taken = socket.socket(family)
    taken.bind((address, 0))
    taken.listen()
    return taken


def test_a_port_in_use_gives_one_line_with_the_remedy(
    run: StandInRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening() as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("STAND_IN_PORT", str(port))
        run.start(lasting=[["web", ["sleep", "1000"]]])
        assert run.ends() == 1
    (line,) = run.output.splitlines()
    assert f"Port {port} for the web server is taken by" in line
    assert f"(process {os.getpid()})" in line
    assert "set WEB_PORT to a free port in .env" in line


def test_the_same_port_twice_is_refused(free_port: int) -> None:
    with pytest.raises(SetupError, match="set twice"):
        check_ports({"WEB_PORT": free_port, "EDGE_HTTP_PORT": free_port})


@pytest.mark.parametrize("text", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_none_is_named(folder: Path, text: str) -> None:
    with pytest.raises(SetupError, match="WEB_PORT"):
        Options.read(folder, {"WEB_PORT": text}).port("WEB_PORT")


def test_the_environment_goes_before_the_file(folder: Path) -> None:
    (folder / ".env").write_text("WEB_PORT=8101\nEDGE_HTTP_PORT=8100\nBASE_DOMAIN=\n")
    options = Options.read(folder, {"WEB_PORT": "8201"})
    assert options.port("WEB_PORT") == 8201
    assert options.port("EDGE_HTTP_PORT") == 8100
    assert options.base_domain == "dotmac.localhost"


def test_a_wrong_python_gives_one_line_with_the_remedy(folder: Path) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        old = folder / name
        old.write_text('#!/bin/sh\n[ "$1" = --version ] && exec echo Python 3.9.2\nexit 1\n')
        old.chmod(0o755)
    ran = subprocess.run(
        [str(ROOT / "dev" / "python.sh"), "-m", "dev.install"],
        env={"PATH": f"{folder}:/bin"}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 1
    (line,) = ran.stderr.splitlines()
    assert "needs Python 3.11 or newer; this machine has Python 3.9.2" in line
    assert "apt-get install python3" in line


def test_a_full_disk_gives_the_numbers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=12 * 10**8))
    with pytest.raises(SetupError, match=r"Only 1\.2 GB are free .* needs 3 GB"):
        check_disk(folder)


def test_no_network_gives_one_line(folder: Path) -> None:
    environment = Environment(folder, folder / "install.log")
    with pytest.raises(SetupError, match="Without network") as raised:
        environment.call(Terminal(), ["false"], OFFLINE)
    assert "install.log" in str(raised.value)


def test_secrets_are_made_once_and_are_this_user_s_alone(folder: Path) -> None:
    file = folder / "secrets.env"
    first = ensure_secrets(file)
    assert ensure_secrets(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first["PLATFORM_SIGNING_KEY"].startswith("-----BEGIN PRIVATE KEY-----\n")


def test_secrets_read_back_as_the_settings_read_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ensure_secrets(folder / "secrets.env")
    for name in made:
        monkeypatch.delenv(name, raising=False)
    env = Env()
    env.read_env(folder / "secrets.env", override=True)
    assert {name: env.str(name) for name in made} == made


def test_a_secret_of_a_later_release_is_added(folder: Path) -> None:
    file = folder / "secrets.env"
    file.write_text('SECRET_KEY="kept"\n')
    assert ensure_secrets(file)["SECRET_KEY"] == "kept"
    assert "FIELD_KEYS=" in file.read_text()


def test_a_long_project_path_gets_a_short_socket(folder: Path) -> None:
    options = Options(folder, folder / ("long" * 30) / "var", {})
    assert len(os.fsencode(options.socket)) < 100
    assert options.socket != Options(folder, folder / ("wide" * 30) / "var", {}).socket


def test_the_summary_names_every_place_with_its_port(folder: Path) -> None:
    options = Options.read(folder, {"EDGE_HTTP_PORT": "9000", "EDGE_HTTPS_PORT": "9443"})
    places = {name: address for name, address, _ in summary.rows(options, has_docker=True)}
    assert places["Front page"] == "http://localhost:9000/"
    assert places["Acme Fiber"] == "http://acme.dotmac.localhost:9000/"
    assert "Acme Fiber" not in [row[0] for row in summary.rows(options, has_docker=False)]


@pytest.mark.parametrize(
    "line",
    [
        "index = https://" + "pypi" + ".org/simple",
        "FROM docker" + ".io/library/debian",
        "see .." + "/shared/design",
        "https://files." + "pythonhosted" + ".org/x",
    ],
)
def test_a_package_host_or_an_outside_path_is_found(line: str) -> None:
    assert list(no_hosts.findings(Path("file"), line))


@pytest.mark.parametrize(
    "line", ["apt-get install docker.io iptables", "FROM debian:trixie-slim", "../sharedness"]
)
def test_what_only_looks_like_one_passes(line: str) -> None:
    assert not list(no_hosts.findings(Path("file"), line))


def report(folder: Path, *cases: str) -> Path:
    file = folder / "junit.xml"
    file.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return file


def case(classname: str, name: str, inner: str = "") -> str:
    return f'<testcase classname="{classname}" name="{name}">{inner}</testcase>'


def test_a_skipped_docker_test_fails_ci(folder: Path) -> None:
    skipped = case("tests.docker.test_engine", "test_run", '<skipped message="no engine"/>')
    ran = case("tests.e2e.test_story", "test_sign_up")
    seen = case("tests.accessibility.test_axe", "test_errors")
    found = list(shortfalls(report(folder, skipped, ran, seen)))
    assert found == ["tests.docker.test_engine.test_run was skipped: no engine"]


def test_a_docker_folder_of_which_nothing_ran_fails_ci(folder: Path) -> None:
    elsewhere = case("tests.core.test_health", "test_ok", '<skipped message="slow"/>')
    assert "No test of tests.docker ran." in list(shortfalls(report(folder, elsewhere)))


def test_of_a_stack_trace_only_what_was_raised_is_shown(folder: Path) -> None:
    log = folder / "migrate.log"
    frames = '  File "x.py", line 1, in y\n    raise Error\n' * 20
    log.write_text(f"operator\n{STACK}\n{frames}Error: no such column\nLINE 1: select\n")
    assert last_words(log, 5) == ["operator", "Error: no such column", "LINE 1: select"]
