"""A server under systemd: installed on a machine of its own, killed, cut off, upgraded, removed.

The cases share one machine and come in the order of its life; each leaves it serving but the last.
`make try-server` runs them: to make the machine and all its releases takes longer than a check may.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from dotmac.edge.probe import probe
from images.building import Builder
from tests.live_platform import APPS, BASE, ROOT, until
from tests.server.debian import CHECKOUT, Debian
from tests.server.load import Seen, Site, load
from tests.server.machine import newer_checkout

# The machine is made of packages first, which takes a minute of it.
pytestmark = pytest.mark.timeout(900)
SERVICES = ("edge", "web-a", "worker", "clock")
_CA = "/var/lib/dotmac/keys/ca.pem"
_BIND_LOW_PORTS = 1 << 10
# Ten times what it takes on an idle machine.
_READY_S = 180
_OFFSITE = "/srv/offsite"
_NAMESPACE, _JOURNAL = "--namespace=dotmac", "/etc/systemd/journald@dotmac.conf"


class Server:
    """What a person sees of it."""

    def __init__(self, debian: Debian, folder: Path) -> None:
        self.debian = debian
        self.folder = folder
        self.said = ""

    def install(self) -> None:
        """As the guide says, without mail and backups."""
        self.debian.ask("mkdir", "-p", "/etc/dotmac")
        self.debian.ask("sh", "-c", "echo API_REQUESTS_PER_MINUTE=1000000 >/etc/dotmac/dotmac.env")
        done = self.debian.make("install", DOMAIN=BASE, APPS_DOMAIN=APPS, ALLOW_NO_BACKUP="1")
        assert done.returncode == 0, done.stdout
        self.said = done.stdout
        self.debian.fetch(_CA, self.folder / "ca.pem")

    def ask(self, service: str, what: str) -> str:
        """A property of a unit."""
        unit = f"dotmac-{service}.service"
        return self.debian.ask("systemctl", "show", "--property", what, "--value", unit)

    def pid(self, service: str) -> int:
        """The number of its process, 0 without one."""
        return int(self.ask(service, "MainPID"))

    def serves(self) -> bool:
        """Whether the platform is ready."""
        return self.opens(BASE, "/readyz")

    def opens(self, host: str, path: str) -> bool:
        """Whether a page is there, asked for over HTTPS through the edge."""
        address = (self.debian.address, 443)
        return probe(address, host, path, tls=self.folder / "ca.pem").status == 200

    def site(self, key: str) -> Site:
        """Where the load goes."""
        return Site(443, self.folder / "ca.pem", "acme", key, self.debian.address)

    def slot(self) -> str:
        """Which of the two web processes serves."""
        port = self.debian.ask("cat", "/opt/dotmac/web-url")[-1]
        return {"1": "a", "2": "b"}[port]

    def release(self) -> str:
        """The one that serves."""
        return self.debian.ask("readlink", "/opt/dotmac/current").rpartition("/")[2]

    def is_whole(self, release: str) -> None:
        """Assert that all of it runs this release, and that it starts with the machine."""
        until(self.serves, what="The platform's readiness", seconds=_READY_S)
        slot = self.slot()
        assert self.release() == release
        assert self.debian.ask("dotmac", "status").count(f" runs   {release}") >= 3
        wanted = {"edge", f"web-{slot}", "worker", "clock"}
        assert {name for name in (*SERVICES, "web-b") if self.pid(name)} == wanted
        kept = {name for name in (*SERVICES, "web-b") if self.is_kept(name)}
        assert kept == wanted

    def is_kept(self, service: str) -> bool:
        """Whether it starts with the machine."""
        return self.ask(service, "UnitFileState") == "enabled"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Installed from this tree on a machine that nothing was done to."""
    debian = Debian()
    try:
        debian.start()
        made = Server(debian, tmp_path_factory.mktemp("server"))
        made.install()
        yield made
    finally:
        debian.remove()


@pytest.fixture(scope="module")
def site(server: Server) -> Site:
    """An ISP on it, and a program's key."""
    server.debian.act("sign_up", slug="acme", plan="starter", region="local")
    return server.site(server.debian.act("make_key", slug="acme", level="workspace")["key"])


def test_it_serves_and_says_what_is_left_to_do(server: Server) -> None:
    server.is_whole(server.release())
    assert f"DotMac serves https://{BASE}/" in server.said
    assert "Choose the operator's password here" in server.said
    assert "Backups: none" in server.said
    here = (server.debian.address, 80)
    assert probe(here, BASE, "/").headers["location"] == f"https://{BASE}/"
    assert server.debian.ask("systemctl", "--failed", "--quiet", "--plain") == ""


def test_services_have_only_the_rights_that_they_need(server: Server) -> None:
    for name in SERVICES:
        status = server.debian.ask("cat", f"/proc/{server.pid(name)}/status")
        found = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        rights = _BIND_LOW_PORTS if name == "edge" else 0
        assert int(found["CapBnd"], 16) == int(found["CapEff"], 16) == rights, name
        assert found["NoNewPrivs"] == "1"
        assert "0" not in found["Uid"].split()
        server.debian.ask(
            "systemd-analyze", "security", "--no-pager", "--threshold=20", f"dotmac-{name}.service"
        )


def test_a_service_writes_to_its_own_folder_alone(server: Server) -> None:
    for name in SERVICES:
        into = ("nsenter", "--mount", "--target", str(server.pid(name)))
        for folder in ("/opt/dotmac", "/etc", "/usr", "/var/log", "/root"):
            # Even with root's rights, which none of them has.
            said = server.debian.run(*into, "touch", f"{folder}/file").stdout
            assert "Read-only" in said or "No such file" in said, (name, folder, said)
        server.debian.ask(*into, "touch", f"/var/lib/dotmac/{name}")


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_comes_back(server: Server, name: str) -> None:
    before = server.pid(name)
    server.debian.ask("kill", "-9", str(before))
    until(lambda: server.pid(name) not in (0, before), what=f"Another process of {name}")
    server.is_whole(server.release())
    left = server.debian.run("ps", "--no-headers", "--ppid", str(before)).stdout
    assert left == ""


def test_a_database_that_was_away_is_found_again(server: Server) -> None:
    pids = {name: server.pid(name) for name in ("edge", "web-a")}
    server.debian.ask("systemctl", "stop", "postgresql")
    until(lambda: not server.serves(), what="An answer that the database is away")
    server.debian.ask("systemctl", "start", "postgresql")
    server.is_whole(server.release())
    assert pids == {name: server.pid(name) for name in pids}


def test_the_hardened_worker_backs_up_and_tries_what_it_made(server: Server) -> None:
    server.debian.ask("install", "--directory", "--owner=dotmac", "--mode=0700", _OFFSITE)
    done = server.debian.make("install", BACKUP_TARGET=_OFFSITE)
    assert done.returncode == 0, done.stdout
    assert f"Backups go to {_OFFSITE}" in done.stdout
    asked = "SELECT kind, status, error FROM public.backups_backuprun WHERE finished_at IS NOT NULL"

    def ended() -> list[str]:
        # The first backup and its trial are due at once, by themselves.
        return server.debian.sql(f"{asked} ORDER BY id")

    until(lambda: len(ended()) >= 2, what="A backup and its trial", seconds=2 * _READY_S)
    assert ended()[:2] == ["full|done|", "test|done|"]
    server.is_whole(server.release())


def journal(server: Server, *which: str) -> list[str]:
    """What services said, without what systemd says of them."""
    return server.debian.ask("journalctl", "--no-pager", "-o", "cat", *which).splitlines()


def test_what_services_say_is_in_a_journal_of_their_own(server: Server) -> None:
    until(server.serves, what="The platform's readiness", seconds=_READY_S)
    for name in SERVICES:
        unit = f"_SYSTEMD_UNIT=dotmac-{name}.service"
        if name != "edge":  # It says nothing as long as it is well.
            assert journal(server, _NAMESPACE, unit), name
        assert journal(server, unit) in ([], ["-- No entries --"]), name
    files = server.debian.ask("sh", "-c", "ls /var/log/journal/*.dotmac/*.journal")
    assert "system.journal" in files


def test_the_journal_of_the_services_is_kept_for_as_long_as_is_said(server: Server) -> None:
    done = server.debian.make("install", LOG_DAYS="7", ALLOW_NO_BACKUP="1")
    assert done.returncode == 0, done.stdout
    said = server.debian.ask("cat", _JOURNAL)
    assert "MaxRetentionSec=7day" in said
    assert "LOG_DAYS=7" in server.ask("worker", "Environment")
    # As it stands there, with seconds for days, since no day can be waited for.
    shorter = said.replace("MaxRetentionSec=7day", "MaxRetentionSec=5s")
    shorter = shorter.replace("MaxFileSec=1day", "MaxFileSec=1s")
    _have_journal(server, shorter)
    try:
        _say(server, "an old word")
        assert "an old word" in journal(server, _NAMESPACE)

        def is_gone() -> bool:
            _say(server, "a new word")
            return "an old word" not in journal(server, _NAMESPACE)

        until(is_gone, what="The end of what is too old", seconds=60)
        assert "a new word" in journal(server, _NAMESPACE)
    finally:
        _have_journal(server, said)
    server.is_whole(server.release())


def _have_journal(server: Server, settings: str) -> None:
    server.debian.ask("sh", "-c", f"printf '%s\\n' '{settings}' >{_JOURNAL}")
    server.debian.ask("systemctl", "restart", "systemd-journald@dotmac.service")


def _say(server: Server, words: str) -> None:
    command = ("systemd-run", "--quiet", "--wait", "--property=LogNamespace=dotmac")
    server.debian.ask(*command, "echo", words)
    server.debian.ask("journalctl", _NAMESPACE, "--sync")


def test_a_workspace_of_containers_is_deployed_by_the_hardened_worker(server: Server) -> None:
    Builder(settings.DOCKER_HOST).build_all(settings.VERSION, only=("app", "postgres"))
    server.debian.load(settings.IMAGE_APP, settings.IMAGE_POSTGRES)
    made = server.debian.act("sign_up", slug="globex", plan="business", region="local")
    operation = "SELECT status FROM c_globex.operations_operation WHERE uuid = '{operation}'"
    ended = ("succeeded", "failed", "cancelled")

    def status() -> str:
        return server.debian.sql(operation.format(**made))[0]

    until(lambda: status() in ended, what="The deployment's end", seconds=_READY_S)
    assert status() == "succeeded"
    assert server.opens(made["hostname"], "/accounts/login/")


def test_everything_comes_back_with_the_machine(server: Server) -> None:
    release = server.release()
    server.debian.reboot()
    server.is_whole(release)
    server.debian.cut_power()
    server.is_whole(release)
    until(
        lambda: server.opens(f"globex.{APPS}", "/accounts/login/"),
        what="Globex's workspace",
        seconds=_READY_S,
    )
    for rule in ("-C INPUT -j DOTMAC-INPUT", "-L DOTMAC-INPUT"):
        server.debian.ask("iptables", "--wait", *rule.split())
        if server.debian.run("cat", "/proc/net/if_inet6").stdout.strip():
            server.debian.ask("ip6tables", "--wait", *rule.split())


def test_an_upgrade_under_load_fails_no_request(server: Server, site: Site, tmp_path: Path) -> None:
    before = server.release()
    server.debian.unpack(newer_checkout(tmp_path / "newer", 1), CHECKOUT)
    server.debian.commit("A newer one")
    with load(server.site(site.key)) as seen:
        done = server.debian.make("upgrade", WITHOUT_BACKUP="1")
    assert done.returncode == 0, done.stdout
    assert_all_is_well(server, seen)
    assert server.release().startswith("0.2.1-")
    assert server.release() != before
    server.is_whole(server.release())


def test_a_release_that_does_not_start_is_gone_back_from(
    server: Server, site: Site, tmp_path: Path
) -> None:
    before = server.release()
    broken = newer_checkout(tmp_path / "broken", 2, config__server="import nobody_wrote_this\n")
    server.debian.unpack(broken, "/srv/broken")
    with load(server.site(site.key)) as seen:
        done = server.debian.make("upgrade", RELEASE="/srv/broken", WITHOUT_BACKUP="1")
    assert done.returncode != 0
    assert "nobody_wrote_this" in done.stdout
    assert f"Release {before} serves on" in done.stdout
    assert_all_is_well(server, seen)
    server.is_whole(before)


def test_the_release_before_comes_back_under_load(server: Server, site: Site) -> None:
    with load(server.site(site.key)) as seen:
        done = server.debian.run("dotmac", "rollback")
    assert done.returncode == 0, done.stdout
    assert_all_is_well(server, seen)
    assert server.release().startswith("0.1.0-")
    server.is_whole(server.release())


def test_power_is_cut_in_the_middle_of_an_upgrade(server: Server) -> None:
    server.debian.cut_power_after("The edge leads", "make", "upgrade", "WITHOUT_BACKUP=1")
    until(server.serves, what="The platform's readiness", seconds=_READY_S)
    done = server.debian.make("upgrade", WITHOUT_BACKUP="1")
    assert done.returncode == 0, done.stdout
    server.is_whole(server.release())
    assert server.release().startswith("0.2.1-")


def test_what_the_guide_says_removes_it(server: Server) -> None:
    guide = (ROOT / "docs/guides/install.md").read_text()
    (script,) = re.findall(r"## Uninstall\n+```sh\n(.*?)```", guide, re.DOTALL)
    server.debian.ask("sh", "-ec", script)
    assert server.debian.run("pgrep", "-f", "/opt/dotmac").stdout == ""
    assert server.debian.run("systemctl", "cat", "dotmac-edge").returncode != 0
    left = "ls -d /opt/dotmac /etc/dotmac /var/lib/dotmac /var/log/dotmac /run/dotmac 2>/dev/null"
    assert server.debian.run("sh", "-c", left).stdout == ""
    assert server.debian.run("getent", "passwd", "dotmac").stdout == ""
    databases = server.debian.ask("runuser", "-u", "postgres", "--", "psql", "-Atlc", "SELECT 1")
    assert "dotmac" not in databases


def assert_all_is_well(server: Server, seen: Seen) -> None:
    """Nothing failed, and every write that was confirmed is there."""
    assert seen.failed == []
    assert seen.kinds == {"front", "sign-in", "list", "write"}
    rows = server.debian.sql("SELECT external_id FROM w_acme.subscribers_subscriber")
    assert set(seen.written) <= set(rows)
