"""Parts of a server, each alone."""

import asyncio
import os
import re
import stat
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from config.open_requests import Counted
from dotmac.edge import EdgeError, PlatformRoutes
from dotmac.server import __main__ as server_main
from dotmac.server import installed, offsite, releases
from dotmac.server.checklist import missing
from dotmac.server.children import call
from dotmac.server.errors import NoBackupError, SetupError
from dotmac.server.install import check
from dotmac.server.keys import write_environment
from dotmac.server.links import led_to, link
from dotmac.server.marks import OPEN_HEADER, PROCESS_HEADER
from dotmac.server.offsite import back_up, said
from dotmac.server.options import SOURCE, Layout, Options
from dotmac.server.releases import Release
from dotmac.server.services.systemd import units
from dotmac.server.settings import ensure_settings
from dotmac.server.terminal import Terminal
from dotmac.server.upgrade import counted, only_one

# A database that somebody else keeps.
ELSEWHERE = {"DATABASE_URL": "postgres://dotmac:p@database.example/dotmac"}
DOMAINS = {"BASE_DOMAIN": "isp.example", "APPS_DOMAIN": "isp-apps.example", "SYSTEM_USER": "-"}


def told(folder: Path, **values: str) -> Options:
    """Options of a server below a folder."""
    return Options(Layout(folder), {**DOMAINS, **values})


def laid_out(layout: Layout, name: str) -> Release:
    """A release with one file."""
    release = Release(layout.releases / name)
    release.home.mkdir(parents=True)
    (release.home / "manage.py").touch()
    release.finish()
    return release


def test_the_edge_leads_where_the_file_says_at_that_moment(tmp_path: Path) -> None:
    file = tmp_path / "web-url"
    routes = PlatformRoutes("a.example", "b.example", "http://127.0.0.1:1", web_url_file=file)
    assert routes.now().web_url == "http://127.0.0.1:1"
    for port in (2, 3):
        file.write_text(f"http://127.0.0.1:{port}\n")
        assert routes.now().web_url == f"http://127.0.0.1:{port}"
    file.write_text("nonsense")
    with pytest.raises(EdgeError, match="nonsense"):
        routes.now()


class _Web:
    """An application whose requests end when they are let."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.served = Counted(self._answer)

    async def _answer(self, scope: Any, _receive: Any, send: Any) -> None:
        if scope["path"] != "/readyz":
            await self.ended.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def ask(self, path: str, *headers: bytes) -> dict[str, str]:
        """Headers of the answer."""
        said: dict[str, str] = {}

        async def send(message: Any) -> None:
            said.update((name.decode(), value.decode()) for name, value in message["headers"])

        scope = {"path": path, "headers": [(name, b"") for name in headers]}
        await self.served(scope, None, send)  # type: ignore[arg-type]
        return said


def test_a_web_process_tells_how_many_requests_it_has_open() -> None:
    async def story() -> list[str]:
        web, counts = _Web(), []
        opened = [asyncio.create_task(web.ask("/page")) for _n in range(3)]
        await asyncio.sleep(0)
        counts.append((await web.ask("/readyz"))[OPEN_HEADER.lower()])
        web.ended.set()
        await asyncio.gather(*opened)
        counts.append((await web.ask("/readyz"))[OPEN_HEADER.lower()])
        return counts

    assert asyncio.run(story()) == ["3", "0"]


def test_through_the_edge_it_tells_only_which_process_it_is() -> None:
    async def story() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        web = _Web()
        other = await _Web().ask("/readyz")
        return await web.ask("/readyz", b"x-forwarded-for"), await web.ask("/readyz"), other

    outside, inside, other = asyncio.run(story())
    assert set(outside) == {PROCESS_HEADER.lower()}
    assert outside[PROCESS_HEADER.lower()] == inside[PROCESS_HEADER.lower()]
    assert outside[PROCESS_HEADER.lower()] != other[PROCESS_HEADER.lower()]


def test_secrets_are_made_once_and_settings_that_are_said_anew_replace(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "dotmac"
    folder.mkdir(parents=True)
    assert ensure_settings(told(tmp_path))
    file = folder / "dotmac.env"
    first = dotenv_values(file)
    assert first["WITHOUT_MAIL"] == "1"
    assert not ensure_settings(told(tmp_path, **first))
    assert ensure_settings(told(tmp_path, **first, EMAIL_URL="smtp+tls://u:p@mail.example"))
    second = dotenv_values(file)
    assert "WITHOUT_MAIL" not in second
    assert {**first, "EMAIL_URL": second["EMAIL_URL"]} == {**second, "WITHOUT_MAIL": "1"}


def test_a_domain_is_never_changed(tmp_path: Path) -> None:
    (tmp_path / "etc" / "dotmac").mkdir(parents=True)
    ensure_settings(told(tmp_path))
    with pytest.raises(SetupError, match=r"BASE_DOMAIN is isp\.example on this server"):
        ensure_settings(told(tmp_path, BASE_DOMAIN="another.example"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"BASE_DOMAIN": ""}, "make install DOMAIN="),
        ({"APPS_DOMAIN": ""}, "Name a second domain"),
        ({"APPS_DOMAIN": "apps.isp.example"}, "lie in one domain"),
    ],
)
def test_what_a_person_has_to_say_is_asked_for(
    tmp_path: Path, values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SetupError, match=sentence):
        check(told(tmp_path, **values))


def test_two_actions_do_not_run_at_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    with only_one(layout), pytest.raises(SetupError, match="Wait for its end"), only_one(layout):
        pass


def test_the_last_three_releases_stay_and_those_that_something_runs(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = [laid_out(layout, f"0.{number}") for number in range(6)]
    link(layout.live("edge"), made[0].home)
    half = layout.releases / "0.9"
    half.mkdir()
    assert releases.prune(layout) == ["0.1", "0.2", "0.9"]
    assert [one.name for one in releases.all_of(layout)] == ["0.5", "0.4", "0.3", "0.0"]


def test_a_link_is_laid_to_another_release_in_one_step(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first, second = laid_out(layout, "0.1"), laid_out(layout, "0.2")
    for release in (first, second, second):
        link(layout.current, release.home)
        assert led_to(layout.current) == release.home
    assert not os.readlink(layout.current).startswith("/")


def test_a_release_holds_the_project_s_files_and_no_leftovers(tmp_path: Path) -> None:
    source, home = tmp_path / "source", tmp_path / "home"
    for name in ("manage.py", ".env", "var/secrets.env", ".venv/x", "apps/a.py", "tests/b.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).touch()
    releases.copy(source, home)
    copied = sorted(str(file.relative_to(home)) for file in home.rglob("*") if file.is_file())
    assert copied == ["apps/a.py", "manage.py"]


def test_the_name_of_a_release_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "config" / "settings").mkdir(parents=True)
    (tmp_path / "config" / "settings" / "base.py").write_text('VERSION = "7.1.0"\n')
    (tmp_path / "manage.py").touch()
    layout = Layout(tmp_path / "root")
    first = releases.of_source(layout, tmp_path)
    assert first.name.startswith("7.1.0-")
    (tmp_path / "manage.py").write_text("1")
    assert releases.of_source(layout, tmp_path) != first


def test_a_look_before_an_installation_changes_nothing(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DOTMAC_ROOT": str(tmp_path),
        "SYSTEM_USER": "-",
        "PACKAGES": "off",
        "DOMAIN": "isp.example",
        "APPS_DOMAIN": "isp-apps.example",
        "CHECK": "1",
    }
    said = subprocess.run(
        [sys.executable, "-m", "dotmac.server", "install"],
        cwd=SOURCE,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "serve isp.example and isp-apps.example" in said
    assert "Backups: none" in said
    assert list(tmp_path.iterdir()) == []


def test_a_database_elsewhere_is_backed_up_by_its_owner_s_command(tmp_path: Path) -> None:
    options = told(tmp_path, **ELSEWHERE, BACKUP_COMMAND=f"cp {__file__} {tmp_path}/copy")
    back_up(options, laid_out(options.layout, "0.1"), Terminal())
    assert (tmp_path / "copy").read_text() == Path(__file__).read_text()


def test_a_backup_that_fails_ends_the_upgrade_before_anything_is_touched(tmp_path: Path) -> None:
    command = f"ls {tmp_path}/the-place-is-away"
    options = told(tmp_path, **ELSEWHERE, BACKUP_COMMAND=command)
    release = laid_out(options.layout, "0.1")
    with pytest.raises(SetupError, match="the-place-is-away"):
        back_up(options, release, Terminal())
    without = Options(options.layout, {**options.values, "WITHOUT_BACKUP": "1"})
    back_up(without, release, Terminal())


def test_nobody_upgrades_unsaved_who_did_not_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = told(tmp_path, **ELSEWHERE)
    release = laid_out(options.layout, "0.1")
    with pytest.raises(NoBackupError, match=r"BACKUP_COMMAND.\n.*WITHOUT_BACKUP=1"):
        back_up(options, release, Terminal())
    monkeypatch.setattr(offsite, "manage", lambda *_words: ["Backups are off."])
    with pytest.raises(NoBackupError, match=r"BACKUP_TARGET=.*\n.*WITHOUT_BACKUP=1"):
        back_up(told(tmp_path), release, Terminal())

    def refuse(_options: Options, _terminal: Terminal) -> int:
        raise NoBackupError("Backups: none.")

    monkeypatch.setitem(server_main.ACTIONS, "upgrade", refuse)
    monkeypatch.setattr(sys, "argv", ["dotmac", "upgrade"])
    monkeypatch.setattr(server_main.Options, "read", lambda: options)
    assert server_main.main() == 3


def test_what_a_child_says_is_watched_line_by_line(tmp_path: Path) -> None:
    seen: list[str] = []
    said = "import time; print('c_acme  (1 of 2)', flush=True); time.sleep(0.3)"
    command = [sys.executable, "-c", said]
    call(told(tmp_path), Terminal(), command, "It failed.", watch=seen.append)
    assert "c_acme  (1 of 2)" in seen
    stream = StringIO()
    terminal = Terminal(stream)
    terminal.is_live = True
    with terminal.step("Schemas"):
        counted(terminal)(seen[-1])
    assert "1 of 2 tenants" in stream.getvalue()


def test_what_backs_up_is_not_read_from_the_services_file(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.env_file.parent.mkdir(parents=True)
    layout.env_file.write_text("BACKUP_COMMAND=evil\n")
    assert Options.read({"DOTMAC_ROOT": str(tmp_path)}).says("BACKUP_COMMAND") == ""
    layout.machine_file.write_text("BACKUP_COMMAND=good\n")
    assert Options.read({"DOTMAC_ROOT": str(tmp_path)}).says("BACKUP_COMMAND") == "good"


@pytest.mark.parametrize(("is_laid_out", "given"), [(True, False), (True, True), (False, False)])
def test_manage_py_of_a_release_sends_people_to_the_server_s_own_command(
    tmp_path: Path, is_laid_out: bool, given: bool
) -> None:
    release = laid_out(Layout(tmp_path), "0.1")
    if not is_laid_out:
        (release.home / "release.json").unlink()
    environment = {"DOTMAC_ENV_FILE": str(tmp_path)} if given else {}
    said = installed.refusal(release.home, environment, ["doctor", "--only", "queue"])
    assert ("dotmac manage doctor --only queue" in said) == (is_laid_out and not given)


def test_each_action_has_a_log_and_the_last_ones_stay(tmp_path: Path) -> None:
    options = told(tmp_path)
    log = options.layout.action_log
    for number in range(6):
        with only_one(options.layout):
            call(options, Terminal(), ["echo", f"action {number}"], "It failed.")
            call(options, Terminal(), ["echo", "by this link"], "It failed.", is_logged=False)
    with only_one(options.layout):
        pass
    found = {one.name: one.read_text() for one in log.parent.iterdir()}
    assert found == {f"server.log.{number}": f"action {6 - number}\n" for number in range(1, 4)}
    assert {stat.S_IMODE(one.stat().st_mode) for one in log.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o750


def test_a_log_that_others_could_read_is_closed(tmp_path: Path) -> None:
    options = told(tmp_path)
    log = options.layout.action_log
    log.parent.mkdir(parents=True)
    log.write_text("a link\n")
    log.chmod(0o644)
    said = call(options, Terminal(), ["echo", "more"], "It failed.")
    assert (said, stat.S_IMODE(log.stat().st_mode)) == (["more"], 0o600)


def test_last_words_hide_every_secret_that_the_server_knows(tmp_path: Path) -> None:
    options = told(tmp_path)
    options.layout.env_file.parent.mkdir(parents=True)
    secrets = {
        "FIELD_KEYS": "first-key-of-fields,second-key-of-fields",
        "SECRET_KEY_FALLBACKS": "an-older-secret-key",
        "DNS_SECRET": "secret-of-the-zones",
        "OIDC_SIGNING_KEYS": "-----BEGIN-----\nline-of-a-key",
        "EMAIL_URL": "smtp://user:password@mail.example",
    }
    write_environment(options.layout.env_file, {**secrets, "BASE_DOMAIN": "isp.example"})
    lines = [*"\n".join(secrets.values()).replace(",", "\n").splitlines(), "isp.example"]
    with pytest.raises(SetupError) as caught:
        call(options, Terminal(), ["sh", "-c", f"echo '{chr(10).join(lines)}'; exit 7"], "Broken.")
    assert caught.value.code == 7
    for line in lines[:-1]:
        assert line not in str(caught.value)
    assert "isp.example" in str(caught.value)


_ACME = {"ACME_DIRECTORY": "letsencrypt", "ACME_ACCEPTS_TERMS": "1"}


@pytest.mark.parametrize("lacking", [*_ACME, "DNS_PROVIDER", ""])
def test_what_certificates_lack_is_said(tmp_path: Path, lacking: str) -> None:
    given = {**_ACME, "DNS_PROVIDER": "rfc2136", "EMAIL_URL": "smtp://m", "BACKUP_COMMAND": "true"}
    found = missing(told(tmp_path, **{**given, lacking: ""}))
    if not lacking:
        assert found == []
    elif lacking == "DNS_PROVIDER":
        assert "one for each host" in "".join(found)
    else:
        assert f"browsers warn. Set {lacking} (" in "".join(found)


def test_the_documented_installation_lacks_nothing_of_an_authority(tmp_path: Path) -> None:
    guide = (SOURCE / "docs/guides/install.md").read_text().replace("\\\n", "")
    (line,) = re.findall(r"^make install DOMAIN=.*BACKUP_TARGET=.*$", guide, re.MULTILINE)
    given = dict(word.split("=", 1) for word in line.split()[2:])
    assert not [one for one in missing(told(tmp_path, **given)) if "browsers warn" in one]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"BACKUP_TARGET": "ftp://far.example/path"}, "A place is https://host/bucket/path"),
        ({"BACKUP_TARGET": "https://far.example"}, "The address of a bucket"),
        ({"BACKUP_TARGET": "sftp://far.example/path"}, "public key"),
        ({"BACKUP_TARGET": "/mnt/offsite", **ELSEWHERE}, "name a BACKUP_COMMAND"),
        (
            {"BACKUP_TARGET": "https://far.example/b", "BACKUP_SECRET_FILE": "/nowhere"},
            "/nowhere: No such file",
        ),
    ],
)
def test_what_is_no_place_for_backups_is_said_before_anything_is_done(
    tmp_path: Path, values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SetupError, match=sentence):
        said(told(tmp_path, **values))


def test_a_directory_off_site_may_be_written_to_by_services(tmp_path: Path) -> None:
    options = Options.read(
        {**DOMAINS, "DOTMAC_ROOT": str(tmp_path), "BACKUP_TARGET": "/mnt/offsite"}
    )
    options.layout.env_file.parent.mkdir(parents=True)
    ensure_settings(options)
    again = Options.read({**DOMAINS, "DOTMAC_ROOT": str(tmp_path)})
    assert again.says("BACKUP_TARGET") == ""
    for unit in units(again).values():
        assert f"ReadWritePaths={options.layout.var} -/mnt/offsite\n" in unit
