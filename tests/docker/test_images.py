"""The images of a release, run as the platform runs them: a workspace that makes itself ready."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from django.conf import settings

from images.building import INPUTS, OWN, Builder, BuildError
from images.plan import Image
from tests.docker.workspace_stack import MEBIBYTE, WorkspaceStack, wait_until

pytestmark = pytest.mark.docker

COUNTS = """
    SELECT (SELECT count(*) FROM tenancy_tenant), (SELECT count(*) FROM tenancy_domain),
        (SELECT count(*) FROM w_northwind.accounts_user),
        (SELECT count(*) FROM w_northwind.events_event WHERE type = 'workspace.created')
"""
# Where in a start a kill lands differs from run to run; it must end right wherever it lands.
MOMENTS_S = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.2)


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    client = docker.APIClient(settings.DOCKER_HOST, version="auto", timeout=120)
    yield client
    client.close()


@pytest.fixture(scope="module")
def built() -> tuple[str, str]:
    """The two images of this release, built if they are missing or outdated."""
    Builder(settings.DOCKER_HOST).build_all(settings.VERSION, only=("app", "postgres"))
    return settings.IMAGE_APP, settings.IMAGE_POSTGRES


def _stack(client: docker.APIClient, built: tuple[str, str]) -> Iterator[WorkspaceStack]:
    stack = WorkspaceStack(client, *built)
    stack.prepare()
    yield stack
    stack.remove()


@pytest.fixture
def stack(client: docker.APIClient, built: tuple[str, str]) -> Iterator[WorkspaceStack]:
    """A stack of the test's own, not started."""
    yield from _stack(client, built)


@pytest.fixture(scope="module")
def northwind(client: docker.APIClient, built: tuple[str, str]) -> Iterator[WorkspaceStack]:
    """Northwind's workspace, running; its tests leave it as it was."""
    for stack in _stack(client, built):
        stack.start()
        stack.wait_serving()
        yield stack


def test_a_first_start_makes_the_workspace_with_its_owner(northwind: WorkspaceStack) -> None:
    tenant = northwind.sql("SELECT uuid, slug, name, kind FROM tenancy_tenant")
    assert tenant == f"{northwind.tenant}|northwind|Northwind Broadband|workspace"
    owner = northwind.sql(
        "SELECT email, identity, is_staff, is_superuser FROM w_northwind.accounts_user"
    )
    assert owner == f"{northwind.owner}|{northwind.identity}|t|t"
    assert northwind.sql(COUNTS) == "1|1|1|1"
    assert northwind.sql("SELECT to_regnamespace('w__template') IS NULL") == "t"


def test_its_host_has_a_login_page_and_no_other_host_has(northwind: WorkspaceStack) -> None:
    status, page = northwind.get("/accounts/login/")
    assert status == 200
    assert "password" in page
    assert northwind.get("/accounts/login/", host="elsewhere.apps.localhost")[0] == 404


def test_pages_find_their_static_files(northwind: WorkspaceStack) -> None:
    assert northwind.get("/static/css/app.css")[0] == 200


def test_both_containers_run_without_root_on_a_file_system_they_cannot_change(
    northwind: WorkspaceStack,
) -> None:
    for part, folder in (("web", "/app"), ("db", "/usr/local/bin")):
        assert northwind.run(part, "id", "-u").output.strip() == "10001"
        refused = northwind.run(part, "touch", f"{folder}/x")
        assert (refused.exit_code, "Read-only" in refused.output) == (1, True)
        capabilities = northwind.run(part, "grep", "CapEff", "/proc/self/status").output
        assert capabilities.split() == ["CapEff:", "0" * 16]


def test_the_media_volume_can_be_written(northwind: WorkspaceStack) -> None:
    ran = northwind.run("web", "sh", "-c", "echo x >/media/probe && rm /media/probe")
    assert ran.exit_code == 0, ran.output


def test_the_app_s_role_is_not_the_server_s_superuser(northwind: WorkspaceStack) -> None:
    assert northwind.sql("SELECT rolsuper FROM pg_roles WHERE rolname = 'dotmac'") == "f"


def test_the_password_is_in_no_log_and_in_no_server_process(northwind: WorkspaceStack) -> None:
    assert northwind.key not in northwind.log("db") + northwind.log("web")
    seen = northwind.run(
        "db", "sh", "-c", "cat /proc/[0-9]*/cmdline; cat /proc/$(head -n1 $0)/environ",
        "/var/lib/postgresql/data/17/postmaster.pid",
    ).output  # fmt: skip
    assert "postgres" in seen
    assert northwind.key not in seen


def test_a_second_release_changes_nothing(northwind: WorkspaceStack) -> None:
    dump = ("pg_dump", "--restrict-key=same", "dotmac")
    wait_until(lambda: northwind.sql("SELECT count(*) FROM work_signal") == "0")
    before = northwind.run("db", *dump).output
    ran = northwind.run("web", "python", "manage.py", "release")
    assert ran.exit_code == 0
    assert "Nothing to do." in ran.output
    assert northwind.run("web", "python", "manage.py", "release", "--check").exit_code == 0
    assert northwind.run("db", *dump).output == before


def test_the_check_notices_a_database_of_another_release(northwind: WorkspaceStack) -> None:
    northwind.sql("COMMENT ON SCHEMA w_northwind IS 'an earlier release'")
    check = ("python", "manage.py", "release", "--check")
    assert northwind.run("web", *check).exit_code == 1
    assert "Released." in northwind.run("web", "python", "manage.py", "release").output
    assert northwind.run("web", *check).exit_code == 0
    assert northwind.sql(COUNTS) == "1|1|1|1"


def test_a_job_is_done_by_the_worker(northwind: WorkspaceStack) -> None:
    code = "from django_q.tasks import async_task; async_task('builtins.print', 'the job ran')"
    ran = northwind.run("web", "python", "manage.py", "shell", "-v0", "-c", code)
    assert ran.exit_code == 0, ran.output
    wait_until(lambda: "the job ran" in northwind.log("web"), lambda: northwind.log("web"))


def test_the_workspace_takes_at_most_350_mb(northwind: WorkspaceStack) -> None:
    for _request in range(100):
        assert northwind.get("/accounts/login/")[0] == 200
    total = northwind.pss_bytes("web") + northwind.pss_bytes("db")
    assert 0 < total <= 350 * MEBIBYTE


@pytest.mark.parametrize("name", ["web", "worker", "clock"])
def test_a_child_that_dies_is_started_anew(northwind: WorkspaceStack, name: str) -> None:
    wait_until(lambda: northwind.child(name))
    first = northwind.child(name)
    assert northwind.run("web", "sh", "-c", f"kill -9 {first}").exit_code == 0
    wait_until(lambda: northwind.child(name) not in (0, first))
    northwind.wait_serving()


def test_it_serves_again_after_the_database_was_away(northwind: WorkspaceStack) -> None:
    northwind.kill("db")
    wait_until(lambda: not northwind.is_serving())
    assert northwind.get("/readyz")[0] == 503
    northwind.client.start(northwind.name("db"))
    northwind.wait_serving()
    assert northwind.sql(COUNTS) == "1|1|1|1"


def test_the_workspace_loads_nothing_of_the_platform(northwind: WorkspaceStack) -> None:
    code = (
        "import django; django.setup(); from config.isp.loading import load; load();"
        "import sys, config.isp.release, config.isp.web;"
        "print({'djstripe', 'stripe', 'docker'} & set(sys.modules))"
    )
    assert northwind.run("web", "python", "-c", code).output.strip() == "set()"


def test_nothing_of_the_building_machine_is_in_the_images(northwind: WorkspaceStack) -> None:
    traces = ("/host", "/etc/apt/sources.list", "/etc/apt/apt.conf.d/90host", "/etc/pip.conf")
    for part in ("web", "db"):
        found = northwind.run(part, "find", *traces).output
        assert found.count("No such file") == len(traces), found


def test_a_database_killed_in_its_first_start_heals(stack: WorkspaceStack) -> None:
    stack.start_db()
    for seconds in MOMENTS_S:
        time.sleep(seconds)
        stack.kill("db")
        stack.client.start(stack.name("db"))
    stack.start_web()
    stack.wait_serving()
    assert stack.sql(COUNTS) == "1|1|1|1"
    sums = "SELECT sum(checksum_failures) FROM pg_stat_database"
    assert stack.sql(sums, user="postgres") == "0"


def test_half_a_cluster_is_made_anew(stack: WorkspaceStack) -> None:
    volume = "/var/lib/postgresql/data"
    config = stack.client.create_host_config(binds={stack.name("data"): {"bind": volume}})
    script = f"mkdir -p {volume}/17.new/base && echo torn >{volume}/17.new/PG_VERSION"
    stack.client.create_container(
        stack.postgres, ["-c", script], name=stack.name("torn"), entrypoint="sh",
        labels=stack.labels, host_config=config, network_disabled=True,
    )  # fmt: skip
    stack.client.start(stack.name("torn"))
    assert stack.client.wait(stack.name("torn"))["StatusCode"] == 0
    stack.start()
    stack.wait_serving()


def test_an_app_killed_in_its_first_start_heals(stack: WorkspaceStack) -> None:
    stack.start()
    for seconds in MOMENTS_S:
        time.sleep(seconds)
        stack.kill("web")
        stack.client.start(stack.name("web"))
    stack.wait_serving()
    assert stack.sql(COUNTS) == "1|1|1|1"


def test_apps_that_start_at_once_make_one_workspace(stack: WorkspaceStack) -> None:
    stack.start_db()
    stack.start_web()
    release = ("python", "manage.py", "release")
    ran = stack.run("web", *release)
    assert ran.exit_code == 0, ran.output
    stack.wait_serving()
    assert stack.sql(COUNTS) == "1|1|1|1"


def test_a_wrong_password_ends_the_app_with_the_reason(stack: WorkspaceStack) -> None:
    stack.start_db()
    stack.start_web(DATABASE_URL="postgresql://dotmac:guessed@db:5432/dotmac")
    assert stack.client.wait(stack.name("web"))["StatusCode"] == 1
    assert "refuses the password" in stack.log("web")
    assert "guessed" not in stack.log("web") + stack.log("db")


def test_a_database_without_a_password_does_not_start(stack: WorkspaceStack) -> None:
    stack.start_db(password="")
    assert stack.client.wait(stack.name("db"))["StatusCode"] == 1
    assert "POSTGRES_PASSWORD is empty" in stack.log("db")


def test_a_changed_password_replaces_the_old_one(stack: WorkspaceStack) -> None:
    stack.start()
    stack.wait_serving()
    old = stack.environment()["DATABASE_URL"]
    stack.remove_container("web")
    stack.remove_container("db")
    stack.password = "another one"
    stack.start()
    stack.wait_serving()
    stack.remove_container("web")
    stack.start_web(DATABASE_URL=old)
    assert stack.client.wait(stack.name("web"))["StatusCode"] == 1
    assert "refuses the password" in stack.log("web")


def test_both_end_cleanly_when_they_are_stopped(stack: WorkspaceStack) -> None:
    stack.start()
    stack.wait_serving()
    wait_until(lambda: stack.child("clock"))
    stack.client.stop(stack.name("web"), timeout=20)
    assert stack.client.wait(stack.name("web"))["StatusCode"] == 0
    assert "killed_at_the_end" not in stack.log("web")
    stack.client.stop(stack.name("db"), timeout=20)
    assert stack.client.wait(stack.name("db"))["StatusCode"] == 0
    assert "database system is shut down" in stack.log("db")


@pytest.fixture
def tiny(client: docker.APIClient, tmp_path: Path) -> Iterator[Image]:
    """An image of one file, as a catalogue app's directory would describe it."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY page /page\n")
    (tmp_path / "page").write_text("one")
    image = Image(f"dotmac-test/{uuid.uuid4().hex[:8]}:1", tmp_path)
    yield image
    client.remove_image(image.reference, force=True)


def test_an_image_is_built_again_only_when_its_inputs_change(
    client: docker.APIClient, tiny: Image
) -> None:
    builder = Builder(settings.DOCKER_HOST)
    assert builder.ensure(tiny, "base")
    assert not builder.ensure(tiny, "base")
    labels = client.inspect_image(tiny.reference)["Config"]["Labels"]
    assert labels == {OWN: "1", INPUTS: tiny.digest("base")}
    (tiny.context / "page").write_text("two")
    assert builder.ensure(tiny, "base")
    assert builder.ensure(tiny, "a newer base")


def test_a_failing_build_says_which_step_and_why(tiny: Image, client: docker.APIClient) -> None:
    builder = Builder(settings.DOCKER_HOST)
    assert builder.ensure(tiny, "base")
    (tiny.context / "Dockerfile").write_text("FROM scratch\nCOPY nothing /page\n")
    with pytest.raises(BuildError, match=r"Step 2/\d : COPY nothing /page[\s\S]*not found"):
        builder.ensure(tiny, "base")


def test_an_engine_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="does not answer"):
        Builder(f"unix://{tmp_path}/none.sock")
