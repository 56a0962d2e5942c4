"""Another release while people use the platform: no request fails, no write is lost."""

import json
import re
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from dotenv import dotenv_values

from dotmac.server import edge, plan, proc, releases
from tests.live_platform import APPS, BASE, until
from tests.server.load import Connection, Seen, Site, load
from tests.server.machine import MIGRATION, Machine

# Three times the longest step alone on an idle machine; upgrades run beside a load.
pytestmark = pytest.mark.timeout(900)
SERVED = (200, 302)
MORE = MIGRATION.replace("note", "more").format(after="9001_note")


def assert_all_is_well(machine: Machine, seen: Seen) -> None:
    """Nothing failed, and every write that was confirmed is there."""
    assert seen.failed == []
    assert seen.kinds == {"front", "sign-in", "list", "write"}
    rows = machine.sql("SELECT external_id FROM w_acme.subscribers_subscriber")
    assert set(seen.written) <= {row[0] for row in rows}


def status(site: Site, host: str) -> int:
    """How a host answers for its page of sign-in."""
    context = ssl.create_default_context(cafile=str(site.authority))
    connection = Connection(site, host, context)
    try:
        connection.request("GET", "/accounts/login/", headers={"Host": f"{host}:{site.port}"})
        return connection.getresponse().status
    finally:
        connection.close()


def has_column(machine: Machine, schema: str, name: str = "note") -> bool:
    """Whether a tenant's schema has the newer release's column."""
    return bool(
        machine.sql(
            f"SELECT 1 FROM information_schema.columns WHERE table_schema = '{schema}'"
            f" AND table_name = 'lists_savedview' AND column_name = '{name}'"
        )
    )


def is_at_work(machine: Machine, service: str) -> bool:
    """Whether one that runs has said so."""
    try:
        said = machine.options.layout.ready(service).read_text()
    except OSError:
        return False
    return bool(said.strip()) and proc.find(int(said)) is not None


def test_an_upgrade_under_load_fails_no_request(machine: Machine, site: Site) -> None:
    checkout = machine.next_checkout()
    with load(site) as seen:
        said = machine.run("upgrade", RELEASE=str(checkout))
    assert said.returncode == 0, said.stdout
    assert_all_is_well(machine, seen)
    assert has_column(machine, "w_acme")
    machine.runs(releases.of_source(machine.options.layout, checkout).name)


def test_a_release_whose_web_does_not_start_is_gone_back_from(machine: Machine, site: Site) -> None:
    before, slot = machine.current, edge.serving(machine.options)
    broken = machine.next_checkout(config__server="import a_module_that_nobody_wrote\n")
    with load(site) as seen:
        said = machine.run("upgrade", RELEASE=str(broken))
    assert said.returncode == 1
    assert "a_module_that_nobody_wrote" in said.stdout
    assert f"Release {before} serves on" in said.stdout
    assert_all_is_well(machine, seen)
    assert edge.serving(machine.options) == slot
    machine.runs(before)


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        ("qcluster", "import a_module_that_nobody_wrote\n", "a_module_that_nobody_wrote"),
        # So late that it seemed to be settled.
        ("clock", "import time\ntime.sleep(9)\nimport a_late_module\n", "a_late_module"),
    ],
)
def test_a_release_whose_worker_or_clock_does_not_start_is_gone_back_from(
    machine: Machine, site: Site, command: str, code: str, why: str
) -> None:
    before = machine.current
    name = f"apps__work__management__commands__{command}"
    broken = machine.next_checkout(**{name: code})
    with load(site) as seen:
        said = machine.run("upgrade", RELEASE=str(broken))
    assert said.returncode == 1, said.stdout
    assert "ended by itself" in said.stdout
    assert why in said.stdout
    assert f"Release {before} serves on" in said.stdout
    assert_all_is_well(machine, seen)
    machine.runs(before)
    until(lambda: is_at_work(machine, plan.WORKER), what="A worker that is at work")
    until(lambda: is_at_work(machine, plan.CLOCK), what="A clock that is at work")


def test_a_release_that_fails_its_check_touches_nothing(machine: Machine, site: Site) -> None:
    before = machine.current
    broken = machine.next_checkout(apps__lists__models="import a_module_that_nobody_wrote\n")
    said = machine.run("upgrade", RELEASE=str(broken))
    assert said.returncode == 1
    assert "Schemas" not in said.stdout
    machine.runs(before)


def test_images_that_cannot_be_built_end_an_upgrade_before_anything_is_touched(
    machine: Machine, site: Site
) -> None:
    before, checkout = machine.current, str(machine.next_checkout())
    away = {"DOTMAC_DOCKER": "on", "DOTMAC_DOCKER_HOST": f"unix://{machine.folder}/no-engine"}
    said = machine.run("upgrade", RELEASE=checkout, **away)
    assert said.returncode == 1
    assert "no-engine does not answer" in said.stdout
    assert "WITHOUT_IMAGES=1 goes on without them" in said.stdout
    assert "Schemas" not in said.stdout
    machine.runs(before)


def test_an_upgrade_that_is_killed_goes_on_or_back_when_it_is_run_again(
    machine: Machine, site: Site
) -> None:
    checkout = machine.next_checkout()
    before = machine.current
    with load(site) as seen:
        for step in ("Schemas", "The edge leads"):
            machine.kill_after("upgrade", step, RELEASE=str(checkout))
        back = machine.run("start")
        assert back.returncode == 0, back.stdout
        machine.runs(before)
        machine.kill_after("upgrade", "Web of the new", RELEASE=str(checkout))
        said = machine.run("upgrade", RELEASE=str(checkout))
    assert said.returncode == 0, said.stdout
    assert_all_is_well(machine, seen)
    machine.runs(releases.of_source(machine.options.layout, checkout).name)


def test_the_release_before_comes_back_under_load(machine: Machine, site: Site) -> None:
    if releases.linked(machine.options.layout.previous) is None:
        assert machine.run("upgrade", RELEASE=str(machine.next_checkout())).returncode == 0
    now = machine.current
    before = releases.linked(machine.options.layout.previous)
    assert before is not None
    with load(site) as seen:
        said = machine.run("rollback")
    assert said.returncode == 0, said.stdout
    assert_all_is_well(machine, seen)
    machine.runs(before.name)
    back = releases.linked(machine.options.layout.previous)
    assert back is not None
    assert back.name == now


def test_who_signed_up_at_the_release_before_is_brought_up_when_it_goes_forward_again(
    machine: Machine, site: Site
) -> None:
    newer = machine.next_checkout(apps__lists__migrations__9002_more=MORE)
    assert machine.run("upgrade", RELEASE=str(newer)).returncode == 0
    assert machine.run("rollback").returncode == 0
    # Whoever acts here has the code of the checkout, which knows neither migration.
    machine.act("sign_up", slug="later", plan="starter", region="local")
    assert not has_column(machine, "w_later", "more")
    said = machine.run("rollback")
    assert said.returncode == 0, said.stdout
    machine.runs(releases.of_source(machine.options.layout, newer).name)
    assert has_column(machine, "w_later", "more")
    assert has_column(machine, "c_later", "more")


def test_a_tenant_that_cannot_be_migrated_is_left_behind_only_where_that_is_said(
    machine: Machine, site: Site
) -> None:
    before = machine.current
    odd = MIGRATION.replace("note", "odd").format(after="9002_more")
    newer = machine.next_checkout(
        apps__lists__migrations__9002_more=MORE, apps__lists__migrations__9003_odd=odd
    )
    machine.act("sign_up", slug="strange", plan="starter", region="local")
    machine.do("ALTER TABLE w_strange.lists_savedview ADD COLUMN odd text")
    said = machine.run("upgrade", RELEASE=str(newer))
    assert said.returncode == 1
    assert "w_strange" in said.stdout
    assert "WITHOUT_TENANTS=1" in said.stdout
    machine.runs(before)
    said = machine.run("upgrade", RELEASE=str(newer), WITHOUT_TENANTS="1")
    assert said.returncode == 0, said.stdout
    assert "w_strange" in said.stdout
    machine.runs(releases.of_source(machine.options.layout, newer).name)
    assert status(site, f"strange.{APPS}") == 503
    assert status(site, f"strange.{BASE}") in SERVED
    assert status(site, f"acme.{APPS}") in SERVED
    machine.do("ALTER TABLE w_strange.lists_savedview DROP COLUMN odd")
    assert machine.manage("migrate_fleet").returncode == 0
    until(lambda: status(site, f"strange.{APPS}") in SERVED, what="An answer of the one behind")


def test_an_older_release_is_refused(machine: Machine) -> None:
    older = machine.next_checkout()
    (older / "apps/core/migrations/0001_initial.py").unlink()
    said = machine.run("upgrade", RELEASE=str(older))
    assert said.returncode == 1
    assert "it lacks the migration core.0001_initial" in said.stdout


def test_installing_again_changes_nothing(machine: Machine) -> None:
    layout, before = machine.options.layout, machine.current
    secrets, slot = layout.env_file.read_text(), edge.serving(machine.options)
    said = machine.run("install")
    assert said.returncode == 3, said.stdout
    assert "Backups: none" in said.stdout
    assert layout.env_file.read_text() == secrets
    assert edge.serving(machine.options) == slot
    machine.runs(before)


def test_a_release_s_own_manage_py_says_how_it_is_called(machine: Machine) -> None:
    home = machine.options.layout.current
    environment = {"PATH": machine.environment["PATH"]}
    said = subprocess.run(
        [home / ".venv/bin/python", "manage.py", "doctor"],
        cwd=home, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert "Run instead: dotmac manage doctor" in said.stderr
    found = json.loads(
        machine.manage("doctor", "--json", "--only", "mail", "--only", "clock").stdout
    )
    status_of = {check["name"]: check["status"] for check in found["checks"]}
    # The server's own settings and database are looked at: it has a clock and no mail server.
    assert (status_of["clock"], status_of["mail.server"]) == ("ok", "warning")


def test_everything_starts_anew_and_no_request_fails(machine: Machine, site: Site) -> None:
    names = [plan.WORKER, plan.CLOCK]
    before, slot = [machine.services.pid(name) for name in names], edge.serving(machine.options)
    with load(site) as seen:
        said = machine.run("restart")
    assert said.returncode == 0, said.stdout
    assert_all_is_well(machine, seen)
    assert edge.serving(machine.options) != slot
    assert not set(before) & {machine.services.pid(name) for name in names}
    machine.runs(machine.current)


def test_the_operator_s_first_person_comes_in_by_a_link(machine: Machine) -> None:
    (line,) = [one for one in machine.installed.splitlines() if "password here" in one]
    assert f"https://dotmac.localhost:{machine.options.port('EDGE_HTTPS_PORT')}/accounts/" in line
    (row,) = machine.sql("SELECT email, is_superuser FROM public.accounts_user WHERE is_superuser")
    assert row == ("olivia@dotmac.example", True)


def test_secrets_are_the_owner_s_alone_and_never_said(machine: Machine) -> None:
    file: Path = machine.options.layout.env_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said, secrets = machine.installed, dotenv_values(file)
    log = machine.options.layout.action_log
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o750
    logs = sorted(log.parent.glob("server.log*"))
    assert logs
    assert {stat.S_IMODE(one.stat().st_mode) for one in logs} == {0o600}
    (link,) = re.findall(r"link is good once: (\S+)", machine.installed)
    assert not any(link in one.read_text() for one in logs)
    said += "".join(one.read_text() for one in logs)
    for name in ("SECRET_KEY", "FIELD_KEYS", "PLATFORM_SIGNING_KEY", "OIDC_SIGNING_KEYS"):
        secret = secrets[name] or ""
        assert len(secret) > 40
        assert secret not in said
