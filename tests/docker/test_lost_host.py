"""A host burns down: the operator is told, and what ran there is made anew elsewhere.

It walks the commands of docs/runbooks/host-away.md.
"""

import base64
from collections.abc import Iterator

import pytest

from dotmac.engine.docker import DockerEngine
from tests.docker.conftest import SignUp, engine_of_its_own
from tests.docker.live_instance import LiveInstance
from tests.docker.own_engine import OwnEngine
from tests.live_platform import LivePlatform, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1200)]
_SUBSCRIBERS = """
from apps.subscribers.models import Subscriber
from apps.tenancy.kinds import schema_of
with schema_of("{schema}"):
    for number in range(3):
        Subscriber.objects.create(number=f"S-{{number}}", name="Dora Diaz")
"""
_STAFF = """
from apps.accounts.models import User
from apps.tenancy.kinds import operator
with operator():
    User.objects.create_superuser("olga@dotmac.example")
"""


@pytest.fixture
def machine(platform: LivePlatform) -> Iterator[OwnEngine]:
    """A host that the test may lose."""
    with engine_of_its_own(platform, "dml") as made:
        yield made


def test_what_ran_on_a_lost_host_is_made_anew_elsewhere(
    platform: LivePlatform, machine: OwnEngine, sign_up: SignUp
) -> None:
    platform.manage("shell", "-c", _STAFF)
    engine = DockerEngine(machine.url)
    empty, full = (sign_up(machine.link, engine) for _turn in range(2))
    for one in (empty, full):
        assert one.wait_end(180).status == "succeeded", one.log()
        one.assert_routed()
    export = _exported(full)
    machine.is_lost()
    for one in (empty, full):
        one.engine = DockerEngine()
    _assert_told(platform, machine.link, empty)

    said = platform.manage("lose_server", machine.link, "--reason", "It burnt down.", "--yes")
    assert "2 instances" in said
    assert empty.wait_end().status == "failed"
    for one in (empty, full):
        until(lambda one=one: one.status() == "failed", what="The instance's end")
        assert one.placements() == []
        until(lambda one=one: one.get("/") == 503, what="A notice at its address")

    _add_another(platform, machine.link)
    empty.deploy()
    assert empty.wait_end(180).status == "succeeded", empty.log()
    assert empty.status() == "active"
    number = empty.deployments()[-1][0]
    assert f"{empty.short}-web-{number}" in empty.parts()["containers"]
    empty.assert_routed(number)

    file = platform.folder / "acme.dotmac"
    file.write_bytes(export)
    slug = _workspace(full).removeprefix("w_").replace("_", "-")
    platform.manage("import_tenant", str(file), "--slug", "acme-brought")
    platform.manage("adopt_tenant", "acme-brought", "--into", slug)
    assert full.status() == "active"
    assert platform.sql("SELECT count(*) FROM w_acme_brought.subscribers_subscriber") == [(3,)]
    until(lambda: full.get("/") in (200, 302), what="An answer of the workspace", seconds=60)


def _workspace(instance: LiveInstance) -> str:
    return "w_" + instance.schema.removeprefix("c_")


def _exported(instance: LiveInstance) -> bytes:
    """In its container, where its database is; it has three subscribers then."""
    web, schema = f"{instance.short}-web-1", _workspace(instance)
    filled = _SUBSCRIBERS.format(schema=schema)
    made = instance.engine.exec(web, ("python", "manage.py", "shell", "-c", filled))
    assert made.exit_code == 0, made.output
    export = f"python manage.py export_tenant {schema} --to /tmp/out.dotmac >&2"
    got = instance.engine.exec(
        web, ("sh", "-c", f"{export} && echo && echo FILE && base64 -w0 /tmp/out.dotmac")
    )
    assert got.exit_code == 0, got.output
    return base64.b64decode(got.output.partition("FILE\n")[2])


def _assert_told(platform: LivePlatform, name: str, instance: LiveInstance) -> None:
    """The server's row, the staff, whoever deploys and whoever visits."""
    facts = "SELECT status FROM fleet_server WHERE name = %s"
    until(lambda: platform.sql(facts, name) == [("unreachable",)], what="Two silent probes")
    told = "SELECT count(*) FROM notifications_notification WHERE kind = 'server.unreachable'"
    until(lambda: platform.sql(told)[0][0] >= 1, what="Somebody of the staff is told")
    instance.deploy()
    until(lambda: instance.operation().waits_for, what="A reason to wait")
    assert f"{name} does not answer" in instance.operation().waits_for
    assert instance.get("/") in (502, 503, 504, None)
    # Health names the page of the runbook.
    with pytest.raises(AssertionError, match="host-away"):
        platform.manage("doctor", "--only", "hosts")


def _add_another(platform: LivePlatform, region: str) -> None:
    """A server in the region of the lost one: the host's own engine under another name."""
    name = f"{region}b"
    (prefix,) = platform.sql("SELECT address_prefix FROM fleet_server WHERE name = 'local'")[0]
    second = int(prefix.split(".")[1])
    platform.act(
        "add_server",
        name=name,
        region=name,
        engine_url="unix:///var/run/docker.sock",
        address_prefix=f"10.{second + 50 if second < 150 else second - 50}",
    )
    platform.sql(
        "UPDATE fleet_server SET region_id = (SELECT region_id FROM fleet_server WHERE name = %s)"
        " WHERE name = %s",
        region,
        name,
    )
