"""The homes as people of every role see them, and the first steps that they put away."""

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Membership, Role, User
from apps.portal.models import StepSetAside
from apps.subscribers.models import Service, ServiceStateChange, Subscriber
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenants.models import Organisation, UsageReport
from apps.webhooks.models import Delivery, Endpoint
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.costs import queries_of
from tests.instances.world import Shop
from tests.pages.conftest import OPERATOR_HOST, browser
from tests.subscribers.conftest import make_plan

Member = Callable[..., Client]


@pytest.fixture
def member(acme: Isp, platform: None) -> Member:
    """`member(kind, *permissions)`: somebody whose own role holds these alone."""
    places = {
        "operator": (OPERATOR_HOST, PUBLIC),
        "console": (acme.console_host, acme.console),
        "workspace": (acme.workspace_host, acme.workspace),
    }

    def make(kind: str, *permissions: str, limits: list[dict[str, str]] | None = None) -> Client:
        host, schema = places[kind]
        client = browser(host)
        with schema_of(schema):
            user = User.objects.create_user("member@acme.example", is_staff=True)
            role = Role.objects.create(name="Few", permissions=list(permissions))
            Membership.objects.create(user=user, own_role=role, limits=limits or [])
            client.force_login(user)
        return client

    return make


@pytest.mark.parametrize("kind", ["operator", "console", "workspace"])
def test_who_may_see_nothing_is_told_so(member: Member, running_shop: Shop, kind: str) -> None:
    page = member(kind).get("/admin/")
    said = text_of(page)
    assert "Your role has no overview" in said
    assert "opens no page yet" in said
    for wrong in ("Everything runs", "Deploy app", "All servers", "All plans", "Recent events"):
        assert wrong not in said
    assert b"data-chart" not in page.content


def test_who_may_see_little_is_led_there(member: Member) -> None:
    page = member("operator", "plans.view").get("/admin/")
    assert "Your role has no overview" in text_of(page)
    assert 'href="/admin/billing/plan/"' in page.content.decode()


def test_the_operator_s_home_shows_what_a_role_may_see(member: Member, running_shop: Shop) -> None:
    said = text_of(member("operator", "organisations.view").get("/admin/"))
    assert "Newest organisations" in said
    for wrong in ("Everything runs", "All servers", "Operations under way", "Messages"):
        assert wrong not in said


def test_a_limited_member_s_numbers_are_those_of_their_instance(
    member: Member, running_shop: Shop
) -> None:
    limits = [{"type": "instance", "id": str(running_shop.row.uuid)}]
    client = member("console", "instances.view", "operations.view", limits=limits)
    said = text_of(client.get("/admin/"))
    assert "1 / 1" in said
    assert "acme--shop.apps.localhost" in said
    for wrong in ("Deploy app", "Recent events", "Deploy a second app", "of what the plan holds"):
        assert wrong not in said


def test_a_console_shows_how_much_of_the_plan_is_used(
    member: Member, running_shop: Shop, acme: Isp
) -> None:
    organisation = Organisation.objects.get(slug=acme.slug)
    for number, active in ((1, 4), (2, 1200)):
        UsageReport.objects.create(
            organisation=organisation,
            number=number,
            meters={"active_subscribers": str(active)},
            made_at=timezone.now(),
        )
    said = text_of(member("console", "instances.view").get("/admin/"))
    assert "Used of what the plan holds" in said
    for used in ("1 of 3", "0.1 of 4.0 GiB", "1,200 of 5,000"):
        assert used in said, used


def test_webhooks_have_a_chart_where_a_program_is_told(
    alice: Client, member: Member, running_shop: Shop, acme: Isp
) -> None:
    assert 'id="chart-webhooks"' not in alice.get("/admin/").content.decode()
    now = timezone.now()
    with schema_of(acme.console):
        endpoint = Endpoint.objects.create(url="https://hooks.example/")
        for state in ("delivered", "delivered", "failed"):
            Delivery.objects.create(
                endpoint=endpoint,
                event=uuid4(),
                type="a.b",
                state=state,
                due_at=now,
                created_at=now,
            )
    page = alice.get("/admin/?range=7d")
    assert 'id="chart-webhooks"' in page.content.decode()
    assert "Webhooks: 2 delivered, 1 failed" in text_of(page)
    assert "Webhooks:" not in text_of(member("console", "instances.view").get("/admin/"))


def test_the_owner_s_home_has_charts_with_tables(root: Client, running_shop: Shop) -> None:
    page = root.get("/admin/?range=7d").content.decode()
    assert 'id="chart-work-outcomes"' in page
    assert 'href="?range=7d"\n           aria-current="true"' in page or re.search(
        r'href="\?range=7d"\s+aria-current="true"', page
    )
    # Of each chart that is drawn there is a table.
    assert page.count("data-chart=") == page.count("dm-chart__table") > 0


def test_a_range_of_one_s_own_is_in_the_address(alice_at_work: Client) -> None:
    page = alice_at_work.get("/admin/?from=2026-01-01&to=2026-02-28")
    assert 'value="2026-01-01"' in page.content.decode()
    assert alice_at_work.get("/admin/?from=0001-01-01&to=0001-01-01").status_code == 200


def test_a_first_step_is_put_away_for_oneself_and_comes_back(
    alice: Client, acme: Isp, running_shop: Shop
) -> None:
    assert "Invite a colleague" in text_of(alice.get("/admin/"))
    alice.post("/admin/steps/", {"step": "team"})
    said = text_of(alice.get("/admin/"))
    assert "Invite a colleague" not in said
    assert "Show the first step that you put away" in said
    other = browser(acme.console_host)
    with schema_of(acme.console):
        assert StepSetAside.objects.count() == 1
        other.force_login(User.objects.create_user("o@a.example", is_staff=True, is_superuser=True))
    assert "Add your brand" in text_of(other.get("/admin/"))
    assert "that you put away" not in text_of(other.get("/admin/"))
    alice.post("/admin/steps/", {})
    with schema_of(acme.console):
        assert not StepSetAside.objects.exists()


def test_a_step_ticks_itself(alice: Client, acme: Isp, running_shop: Shop) -> None:
    def done() -> bool:
        page = alice.get("/admin/").content.decode()
        return 'href="/admin/accounts/invitation/add/"' not in page.partition("First steps")[2]

    assert not done()
    with schema_of(acme.console):
        User.objects.create_user("colleague@acme.example", is_staff=True)
    assert done()


def test_steps_are_nobody_s_to_put_away_but_staff_s(acme: Isp, guest: Client) -> None:
    assert browser(acme.console_host).post("/admin/steps/", {"step": "team"}).status_code == 302
    guest.post("/admin/steps/", {"step": "team"})
    with schema_of(acme.console):
        assert not StepSetAside.objects.exists()


def crowd(count: int) -> None:
    """Subscribers with services that began, paused and ended over a year."""
    plan, now = make_plan(f"Fiber {count}"), timezone.now()
    people = Subscriber.objects.bulk_create(
        Subscriber(
            number=f"{count}-{n}",
            name="P",
            status="active",
            created_at=now - timedelta(days=n % 365),
        )
        for n in range(count)
    )
    services = Service.objects.bulk_create(
        Service(
            subscriber=person,
            plan_version=plan,
            status="active",
            activated_at=person.created_at,
        )
        for person in people
    )
    ServiceStateChange.objects.bulk_create(
        ServiceStateChange(service=one, target="active", at=one.activated_at) for one in services
    )


def test_a_workspace_s_home_costs_the_same_queries_however_many_there_are(
    alice_at_work: Client, acme: Isp
) -> None:
    def cost() -> int:
        return queries_of(lambda: alice_at_work.get("/admin/?range=12m"))

    with schema_of(acme.workspace):
        crowd(2)
    few = cost()
    with schema_of(acme.workspace):
        crowd(400)
    assert cost() <= few


def test_a_workspace_s_chart_shows_how_many_there_were(alice_at_work: Client, acme: Isp) -> None:
    with schema_of(acme.workspace):
        crowd(20)
    page = alice_at_work.get("/admin/?range=7d").content.decode()
    table = page.partition('id="chart-services-by-status"')[2].partition("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.S)
    active = [int(re.findall(r'data-value="(\d+)"', row)[0]) for row in rows]
    assert active == [14, 15, 16, 17, 18, 19, 20]
