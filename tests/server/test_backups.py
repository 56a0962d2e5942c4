"""A server backs itself up from its first minute, and comes back on an empty machine."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dotmac.backups.choosing import Route
from dotmac.backups.records import BackupSet, stamp
from dotmac.server.cluster import Cluster
from dotmac.server.errors import SetupError
from dotmac.server.rebuild import check_same
from tests.backups.offsite import Offsite
from tests.backups.programs import CARRY, GENERATIONS, SEAL, TENANT
from tests.live_platform import until
from tests.server.distribution import Distribution, remove_user, why_not

# Three times what it takes alone on an idle machine.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "nothing"),
]
PASSPHRASE = "a long winter in Lapland"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where PostgreSQL's user comes too, which pytest's own folders forbid."""
    made = Path(tempfile.mkdtemp(prefix="dotmac-lost-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def user() -> Iterator[str]:
    """A user of the system for the services, whom an installation makes."""
    name = f"dotmac-t{os.getpid()}"
    yield name
    remove_user(name)


@pytest.fixture(scope="module")
def place(folder: Path) -> Iterator[Offsite]:
    """Where backups go; it does not run until it is started."""
    made = Offsite(folder / "far")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(folder: Path, user: str, place: Offsite) -> Iterator[Distribution]:
    """Installed while the place of its backups was away."""
    (folder / "old").mkdir()
    made = Distribution(folder / "old", user)
    made.prepare()
    secret = folder / "secret"
    secret.write_text(f"{place.secret}\n")
    secret.chmod(0o600)
    told = {"BACKUP_TARGET": place.target.address, "BACKUP_USER": place.user}
    try:
        said = made.run("install", **told, BACKUP_SECRET_FILE=str(secret))
        made.installed = said.stdout
        assert said.returncode == 3, said.stdout
        yield made
    finally:
        if made.folder.exists():
            made.stop()


@pytest.fixture(scope="module")
def newer(server: Distribution) -> str:
    """A newer checkout, which is laid out once."""
    return str(server.next_checkout())


def test_a_place_that_does_not_answer_is_said_and_kept(
    server: Distribution, place: Offsite
) -> None:
    assert "Backups do not leave this machine" in server.installed
    assert "does not answer" in server.installed
    assert place.secret not in server.installed
    assert place.secret not in server.options.layout.action_log.read_text()
    rows = server.sql("SELECT address, is_on, secret FROM public.backups_backuptarget")
    assert rows[0][:2] == (place.target.address, True)
    assert place.secret not in rows[0][2]
    server.runs(server.current)


def test_without_a_backup_an_upgrade_touches_nothing(server: Distribution, newer: str) -> None:
    before, count = server.current, "SELECT count(*) FROM public.django_migrations"
    migrated = server.sql(count)
    said = server.run("upgrade", RELEASE=newer, WITHOUT_BACKUP="")
    assert said.returncode == 1, said.stdout
    assert "does not answer" in said.stdout
    assert "Schemas" not in said.stdout
    assert server.sql(count) == migrated
    server.runs(before)


def test_it_is_backed_up_once_the_place_answers_and_before_an_upgrade(
    server: Distribution, newer: str, place: Offsite
) -> None:
    place.start()
    said = server.run("install")
    assert said.returncode == 0, said.stdout
    assert f"Backups go to {place.target.address}" in said.stdout
    assert "Recovery kit: none" in said.stdout
    made = _made(server)
    said = server.run("upgrade", RELEASE=newer, WITHOUT_BACKUP="")
    assert said.returncode == 0, said.stdout
    assert _made(server) > made
    # Nothing of what lies between the database and the platform is for others to read.
    gate = server.options.layout.database.stat()
    assert gate.st_mode & 0o007 == 0


def test_a_lost_server_comes_back_as_it_was_at_a_moment_though_its_rebuild_is_killed(
    server: Distribution, place: Offsite, folder: Path, user: str
) -> None:
    server.do(TENANT.format(slug="early"))
    server.do(SEAL)
    upload = server.options.layout.var / "media/public/logo.png"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"a logo")
    server.manage("backup --wait")
    kit = folder / "kit.txt"
    kit.write_text(server.manage("recovery_kit --to -", KIT_PASSPHRASE=PASSPHRASE))
    server.do(TENANT.format(slug="late"))
    server.do(SEAL)
    good = server.sql("SELECT clock_timestamp() AS at")[0][0]
    for statement in ("domain WHERE domain LIKE 'late.%'", "tenant WHERE slug = 'late'"):
        server.cluster.ask(f"DELETE FROM public.tenancy_{statement}", database="dotmac")
    deleted = server.sql("SELECT clock_timestamp() AS at")[0][0]
    until(lambda: _carried(server, deleted), what="Changes off site")
    # The operator's own is one of them.
    assert int(re.findall(r"tenants: (\d+)", server.manage("restore_test"))[0]) == 2
    secrets = server.options.layout.env_file.read_text()
    domains = [server.environment[name] for name in ("DOMAIN", "APPS_DOMAIN")]
    server.is_lost()

    (folder / "new").mkdir()
    new = Distribution(folder / "new", user)
    # The kit knows them.
    del new.environment["DOMAIN"], new.environment["APPS_DOMAIN"]
    asked = {"KIT": str(kit), "KIT_PASSPHRASE": PASSPHRASE, "AT": good}
    try:
        new.cluster.start()
        new.cluster.ask("CREATE TABLE somebody_s (n int)")
        said = new.run("install", **asked)
        assert said.returncode == 1
        assert "holds somebody_s" in said.stdout
        new.cluster.ask("DROP TABLE somebody_s")

        new.kill_after("install", "Backup of", **asked)
        new.kill_after("install", "Database, up to the moment", **asked)
        said = new.run("install")
        assert "A rebuild of this machine is not at its end" in said.stdout
        said = new.run("install", **asked)
        assert said.returncode == 0, said.stdout
        # It was whole already.
        assert "What the backup holds" not in said.stdout
        new.runs(new.current)
        rows = new.sql("SELECT slug FROM public.tenancy_tenant WHERE kind = 'console' ORDER BY 1")
        assert rows == [("early",), ("late",)]
        _assert_has_secrets(new, secrets, domains)
        assert (new.options.layout.var / "media/public/logo.png").read_bytes() == b"a logo"
        assert '"timeline": 2' in new.do(GENERATIONS)
        assert "full" in new.manage("backup --wait")
        assert "checkpoints" in new.manage("verify_events --schema public")

        again = new.run("install", **asked)
        assert again.returncode == 1
        assert "holds an installation" in again.stdout
        assert new.run("install").returncode == 0
    finally:
        new.stop()


def test_files_of_another_version_of_postgresql_are_refused_with_what_to_do() -> None:
    at = stamp(datetime.now(UTC))
    made = BackupSet("a", "full", 1, at, at, "0" * 24, 17, "1", "0.1.0", 1)
    route = Route((made,), (), 1, datetime.now(UTC))
    with pytest.raises(SetupError, match=r"is of PostgreSQL 17, .* has 15.* postgresql-17"):
        check_same(Cluster(15, "main", 5432, Path("/nowhere")), route)


def _made(server: Distribution) -> int:
    """How many backups count."""
    rows = server.sql(
        "SELECT count(*) FROM public.backups_backuprun WHERE status = 'done' AND kind <> 'test'"
    )
    return int(rows[0][0])


def _carried(server: Distribution, until_then: str) -> bool:
    """Have what changed carried, by this process or by the server's own worker."""
    server.do(CARRY)
    rows = server.sql("SELECT reaches FROM public.backups_backuptarget")
    return datetime.fromisoformat(rows[0][0]) > datetime.fromisoformat(until_then)


def _assert_has_secrets(new: Distribution, secrets: str, domains: list[str]) -> None:
    """All that the lost one had, but for what is the machine's own."""
    lost = dict(line.split("=", 1) for line in secrets.splitlines())
    own = new.options.layout.env_file.read_text()
    for name in ("SECRET_KEY", "FIELD_KEYS", "PLATFORM_SIGNING_KEY", "OIDC_SIGNING_KEYS"):
        assert f"{name}={lost[name]}" in own
    assert [new.options.base_domain, new.options.apps_domain] == domains
    assert str(new.port) in new.options.says("DATABASE_URL")
