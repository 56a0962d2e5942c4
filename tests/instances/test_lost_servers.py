"""Servers that never come back: given up by the operator, and cleared should they return."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.services import create_user
from apps.core.exceptions import ConflictError
from apps.doctor.looking import chosen, look
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.fleet import edge, engines, probes, services
from apps.fleet.models import Placement, Route, Server
from apps.instances.models import Instance
from apps.tenancy.kinds import operator
from tests.accounts.conftest import PASSWORD
from tests.tenants.test_ownership import signed_in


def cut_off(name="one", is_so=True):
    """Two probes later it is known."""
    engines.fake_engine(name).host.unreachable = is_so
    with operator():
        probes.probe_all()
        probes.probe_all()


def lose(name="one", reason="The machine burnt down."):
    """As the clock does a moment later, the edge is told."""
    with operator():
        server = Server.objects.get(name=name)
        count = services.declare_lost(server, reason=reason, actor=SYSTEM)
    edge.render()
    return count


def the_server(name="one"):
    return Server.objects.get(name=name)


def olga():
    """Staff of the operator, who just proved again who she is."""
    with operator():
        create_user(
            email="olga@dotmac.example", password=PASSWORD, is_verified=True, is_staff=True,
            is_superuser=True, actor=SYSTEM,
        )  # fmt: skip
    return signed_in("olga@dotmac.example")


def findings(check="hosts.lost"):
    with operator():
        (found,) = (one for one in chosen([check]) if one.name == check)
        return [one.said for one in look(found).findings]


def second_server():
    one = the_server()
    room = {"cpu_millis": 16000, "memory_mb": 16000, "disk_mb": 200_000}
    return Server.objects.create(name="two", region=one.region, **room)


def test_only_a_server_that_does_not_answer_is_given_up(running_shop):
    with pytest.raises(ConflictError, match="is not unreachable"):
        lose()
    cut_off()
    assert lose() == 1
    with pytest.raises(ConflictError, match="is not unreachable"):
        lose()
    with operator():
        (event,) = Event.objects.filter(type="server.lost")
    assert event.data == {"reason": "The machine burnt down.", "instances": 1}


def test_its_instances_fail_at_once_and_nothing_leads_there(running_shop):
    assert running_shop.public_status == 200
    cut_off()
    lose()
    assert running_shop.row.status == Instance.Status.FAILED
    assert "one is lost" in running_shop.row.status_reason
    assert running_shop.routes == [([], "stopped")]
    assert running_shop.placements == []
    assert running_shop.deployments == [(1, "1.0", "retired")]
    assert running_shop.happened("instance.lost") == 1
    assert the_server().given_up == [running_shop.uuid.hex[:12]]
    assert findings() == []
    assert findings("hosts") == []


def test_an_instance_is_deployed_anew_on_another_server(running_shop, run_due):
    cut_off()
    lose()
    second_server()
    running_shop.deploy()
    run_due()
    assert running_shop.operation.cause == ""
    assert running_shop.row.status == Instance.Status.ACTIVE
    (place,) = Placement.objects.filter(status=Placement.Status.ACTIVE)
    assert place.server.name == "two"
    assert Route.objects.get(instance=running_shop.uuid).notice == ""
    running_shop.deploy()
    run_due()
    assert running_shop.row.status == Instance.Status.ACTIVE


@pytest.mark.parametrize(("what", "status"), [("archive", "archived"), ("stop", "failed")])
def test_what_waits_for_it_goes_on(running_shop, run_due, what, status):
    cut_off()
    running_shop.change(what)
    run_due()
    assert running_shop.operation.waits_for.startswith("Server one does not answer")
    lose()
    run_due()
    assert running_shop.operation.status in ("succeeded", "failed")
    assert running_shop.row.status == status


def test_a_deployment_that_waits_for_it_ends(running_shop, run_due):
    cut_off()
    running_shop.deploy()
    run_due()
    assert running_shop.operation.waits_for.startswith("Server one does not answer")
    lose()
    run_due()
    assert running_shop.operation.status == "failed"
    assert running_shop.row.status == Instance.Status.FAILED
    second_server()
    running_shop.deploy()
    run_due()
    assert running_shop.row.status == Instance.Status.ACTIVE


def test_one_that_comes_back_serves_nobody_is_told_of_and_cleared(running_shop, run_due, engine):
    other = "of-another-platform"
    cut_off()
    lose()
    with operator():
        with pytest.raises(ConflictError, match="does not answer"):
            services.remove_leftovers(the_server(), actor=SYSTEM)
        for refused in (services.activate_server, services.retire):
            with pytest.raises(ConflictError, match="remove its leftovers"):
                refused(the_server(), actor=SYSTEM)
    cut_off(is_so=False)
    with operator():
        assert the_server().status == Server.Status.LOST
        assert Event.objects.filter(type="server.returned").count() == 1
    assert running_shop.public_status == 503
    (said,) = findings()
    assert "answers again" in said
    assert "2 of them running" in said
    assert running_shop.name("db") in said
    volume = next(iter(engine.host.volumes.values()))
    engine.host.volumes[other] = type(volume)(other, {"dotmac.instance": "f" * 32})
    with operator():
        operation = services.remove_leftovers(the_server(), actor=SYSTEM)
    run_due()
    with operator():
        operation.refresh_from_db()
        assert operation.status == "succeeded"
        assert Event.objects.filter(type="server.cleared").count() == 1
        services.activate_server(the_server(), actor=SYSTEM)
        assert the_server().status == Server.Status.ACTIVE
        assert the_server().lost_at is None
    assert (running_shop.containers, running_shop.networks) == ({}, set())
    assert set(engine.host.volumes) == {other}
    assert findings() == []


def test_the_operator_types_its_name_on_its_page(running_shop, run_due):
    root = olga()
    page = f"/admin/fleet/server/{the_server().pk}/lost/"
    assert "Only a server that does not answer" in root.get(page).content.decode()
    cut_off()
    shown = root.get(page).content.decode()
    assert "Shop (c_acme)" in shown
    wrong = root.post(page, {"what": "lose", "confirm": "two", "reason": "Burnt"})
    assert "This is not the name of the server." in wrong.content.decode()
    assert the_server().status == Server.Status.UNREACHABLE
    done = root.post(page, {"what": "lose", "confirm": "one", "reason": "Burnt"})
    assert done.status_code == 302
    assert the_server().lost_reason == "Burnt"
    assert "It does not answer." in root.get(page).content.decode()
    cut_off(is_so=False)
    assert running_shop.name("db") in root.get(page).content.decode()
    begun = root.post(page, {"what": "clear"})
    run_due()
    seen = root.get(begun["Location"], follow=True).content.decode()
    assert "Remove what is left on one" in seen
    assert "Nothing of before is left" in root.get(page).content.decode()


def test_the_command_says_what_it_means_first(running_shop, run_due):
    with pytest.raises(CommandError, match="There is no server nix"):
        call_command("lose_server", "nix")
    with pytest.raises(CommandError, match="1 instances"):
        call_command("lose_server", "one", "--reason", "Burnt")
    with pytest.raises(CommandError, match="is not unreachable"):
        call_command("lose_server", "one", "--reason", "Burnt", "--yes")
    cut_off()
    out = StringIO()
    call_command("lose_server", "one", "--reason", "Burnt", "--yes", stdout=out)
    assert "with 1 instances" in out.getvalue()
    cut_off(is_so=False)
    call_command("lose_server", "one", "--clear", stdout=out)
    run_due()
    assert the_server().given_up == []
