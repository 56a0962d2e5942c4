"""The operator sees servers with their load, and steers them."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.events.models import Event
from apps.fleet import engines
from apps.fleet.models import Region, Server, ServerPlan
from apps.marketplace import services as marketplace
from apps.tenancy.kinds import operator
from tests.fleet.conftest import make_server, reserve


@pytest.fixture
def page(operator_schema):
    """The admin as the operator's staff see it."""
    user = User.objects.create_superuser("olive@operator.example", "x")
    client = Client(headers={"host": settings.BASE_DOMAIN})
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


def url(name, *args):
    with operator():
        return reverse(f"admin:{name}", args=args)


def test_a_server_shows_its_load_and_why_it_is_away(page):
    server = make_server(status="unreachable", status_note="Connection refused")
    Server.objects.filter(pk=server.pk).update(status="active")
    for _ in range(19):
        reserve()
    text = page.get(url("fleet_server_changelist")).content.decode()
    assert "9.5 / 10.0 GiB" in text
    assert 'data-tone="bad"' in text
    assert "Connection refused" in text
    assert page.get(url("fleet_server_change", server.pk)).status_code == 200


def act(page, action, *servers):
    return page.post(
        url("fleet_server_changelist"),
        {"action": action, "_selected_action": [server.pk for server in servers]},
        follow=True,
    ).content.decode()


def test_staff_drain_and_activate_servers_and_probe_them(page):
    server = make_server()
    assert "fra-1 is draining." in act(page, "drain", server)
    assert "draining already" in act(page, "drain", server)
    assert "fra-1 takes new instances." in act(page, "activate", server)
    assert "fra-1 answers, engine fake" in act(page, "probe_now", server)
    engines.fake_engine("fra-1").host.unreachable = True
    assert "does not answer" in act(page, "probe_now", server)
    event = Event.objects.get(type="server.draining")
    assert event.actor_label == "olive@operator.example"


def test_a_new_server_takes_its_size_from_its_plan(page):
    make_server()
    asked = {"name": "M", "cpu_millis": 16000, "memory_mb": 65536, "disk_mb": 512000}
    assert page.post(url("fleet_serverplan_add"), asked).status_code == 302
    region = Region.objects.get()
    server = {
        "name": "fra-2",
        "region": region.pk,
        "engine_url": "tcp://10.0.0.2:2376",
        "address_prefix": "10.203",
        "cpu_millis": "",
        "memory_mb": 1000,
        "disk_mb": "",
    }
    text = page.post(url("fleet_server_add"), server).content.decode()
    assert "Give a number, or choose a plan that has it." in text
    plan = ServerPlan.objects.get()
    assert page.post(url("fleet_server_add"), {**server, "plan": plan.pk}).status_code == 302
    made = Server.objects.get(name="fra-2")
    assert (made.cpu_millis, made.memory_mb, made.disk_mb) == (16000, 1000, 512000)
    assert Event.objects.filter(type__in=["server.added", "serverplan.added"]).count() == 2


def test_an_edit_leaves_what_probes_wrote_meanwhile(page):
    server = make_server()
    address = url("fleet_server_change", server.pk)
    sent = {
        "name": "fra-1",
        "region": server.region_id,
        "engine_url": server.engine_url,
        "address_prefix": "10.201",
        "cpu_millis": server.cpu_millis,
        "memory_mb": 77,
        "disk_mb": server.disk_mb,
    }
    Server.objects.update(failed_probes=1)
    assert page.post(address, sent).status_code == 302
    server.refresh_from_db()
    assert (server.memory_mb, server.failed_probes) == (77, 1)


def test_a_release_shows_its_manifest(page):
    release = marketplace.publish_folder()[1]
    text = page.get(url("marketplace_release_change", release.pk)).content.decode()
    assert "image: dotmac/radicale:0.1.0" in text


def test_staff_withdraw_a_release_and_hide_an_app(page):
    release = marketplace.publish_folder()[1]
    for name, action in (("release", "withdraw"), ("app", "hide")):
        chosen = release.pk if name == "release" else release.app_id
        asked = {"action": action, "_selected_action": [chosen]}
        page.post(url(f"marketplace_{name}_changelist"), asked)
    release.refresh_from_db()
    assert release.is_withdrawn
    assert not release.app.is_listed


def test_consoles_do_not_see_the_fleet(operator_schema, acme, in_console):
    with in_console(acme):
        alice = User.objects.create_superuser("alice@acme.example", "x")
        client = Client(headers={"host": acme.console_host})
        client.force_login(alice, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert client.get("/admin/fleet/server/").status_code == 404
    assert client.get("/admin/marketplace/release/").status_code == 404
