"""The figures of a workspace's first page, and what is metered."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.test import RequestFactory

from apps.accounts.models import Membership, Role, User
from apps.contract.models import HeldGrant
from apps.contract.registry import read_meters
from apps.events.actors import SYSTEM
from apps.portal.ranges import Range
from apps.subscribers import services
from apps.subscribers.models import Subscriber
from apps.subscribers.panels import home_stats, plans_by_services, workspace_home
from apps.subscribers.revenue import monthly_minor

from .conftest import make_plan


def give(version, count: int = 1) -> None:
    """That many subscribers with an active service of a plan."""
    for _n in range(count):
        person = services.create_subscriber(name="P", actor=SYSTEM)
        service = services.add_service(person, plan_version=version, actor=SYSTEM)
        services.activate_service(service, actor=SYSTEM)


def home_of_owner(rf: RequestFactory) -> dict[str, Any]:
    """What the workspace's first page shows its owner."""
    request = rf.get("/admin/")
    request.user = User(is_staff=True, is_superuser=True)
    return workspace_home(request)


def test_revenue_is_counted_by_currency_and_rounded_once(workspace):
    give(workspace, 2)
    give(make_plan("Yearly", 10_000, period="year"), 3)
    give(make_plan("Euro", 1999, "EUR"))
    give(make_plan("Yen", 500, "JPY"), 2)
    # Two of 39.00 and three twelfths of 100.00; a rounded twelfth would give 102.99.
    assert monthly_minor() == {"EUR": 1999, "JPY": 1000, "USD": 10_300}


def test_revenue_has_a_chart_for_each_currency_and_none_is_added_to_another(workspace, rf):
    give(workspace, 2)
    give(make_plan("Yearly", 10_000, period="year"), 3)
    give(make_plan("Yen", 500, "JPY"), 2)
    charts = {one.key: one for one in home_of_owner(rf)["charts"] if "revenue" in one.key}
    assert set(charts) == {"revenue-jpy", "revenue-usd"}
    usd, yen = charts["revenue-usd"], charts["revenue-jpy"]
    assert "$78.00 a month" in usd.title
    assert list(usd.series[0].values) == [Decimal("78.00"), Decimal("25.00")]
    assert '<th scope="row">Yearly</th><td data-value="25.00">25.00</td>' in usd.body
    assert list(yen.series[0].values) == [Decimal(1000)]
    assert yen.unit == "JPY"


def test_many_plans_are_summed_up_in_a_last_bar(workspace, rf):
    for n in range(8):
        give(make_plan(f"Plan {n}", 1000 + n))
    (chart,) = (one for one in home_of_owner(rf)["charts"] if "revenue" in one.key)
    assert len(chart.labels) == 7
    assert (chart.labels[-1], chart.series[0].values[-1]) == ("Other plans", Decimal("20.01"))


def test_who_may_not_see_prices_sees_no_revenue(workspace, rf):
    give(workspace, 2)
    role = Role.objects.create(name="Counts", permissions=["subscribers.view"])
    user = User.objects.create_user("counts@acme.example", is_staff=True)
    Membership.objects.create(user=user, own_role=role)
    request = rf.get("/admin/")
    request.user = user
    home = workspace_home(request)
    assert [one.key for one in home["charts"]] == ["services-by-status", "turnover"]
    assert "Monthly revenue" not in [one.label for one in home["stats"]]
    assert home["plans_url"] == ""


def test_only_active_services_are_revenue(workspace, service):
    assert monthly_minor() == {}
    services.activate_service(service, actor=SYSTEM)
    services.suspend_service(service, reason="admin", actor=SYSTEM)
    assert monthly_minor() == {}


def test_a_version_keeps_its_price_when_the_plan_gets_a_new_one(workspace, service):
    services.activate_service(service, actor=SYSTEM)
    make_plan("Other", 9900)
    assert monthly_minor() == {"USD": 3900}


def test_new_subscribers_are_compared_with_as_many_days_before(workspace):
    people = [services.create_subscriber(name="P", actor=SYSTEM) for _n in range(5)]
    dates = ["2026-03-09T00:00", "2026-03-15T23:59", "2026-03-08T23:59", "2026-03-02T00:00"]
    for person, text in zip(people, [*dates, "2026-03-01T23:59"], strict=True):
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        Subscriber.objects.filter(pk=person.pk).update(created_at=at)
    stats = home_stats(Range(date(2026, 3, 9), date(2026, 3, 15)))
    assert (stats["new"], stats["new_before"]) == (2, 2)
    assert stats["subscribers"] == {
        "lead": 5,
        "qualified": 0,
        "active": 0,
        "inactive": 0,
        "archived": 0,
    }


def test_the_figures_take_two_queries(workspace, django_assert_num_queries):
    give(workspace, 3)
    with django_assert_num_queries(2):
        home_stats(Range(date(2026, 3, 9), date(2026, 3, 15)))


def test_plans_stand_by_their_active_services(workspace, django_assert_num_queries):
    give(workspace, 3)
    with django_assert_num_queries(1):
        (plan,) = plans_by_services(4)
    assert (plan["count"], plan["share"]) == (3, 75)


def test_another_isp_counts_its_own(workspace, in_workspace, initech):
    give(workspace, 2)
    with in_workspace(initech):
        assert monthly_minor() == {}
        assert read_meters()["active_subscribers"] == "0"
    assert read_meters()["active_subscribers"] == "2"


def test_more_subscribers_than_the_plan_holds_are_a_note_and_nobody_is_cut_off(workspace, rf):
    HeldGrant.objects.create(limits={"max_subscribers": 2})
    give(workspace, 2)
    assert home_of_owner(rf)["needs"] == []
    give(workspace, 1)
    (note,) = home_of_owner(rf)["needs"]
    assert "the plan holds 2" in note["text"]
    assert services.active_subscribers() == 3


def test_what_waits_for_somebody_is_listed(workspace, service, rf):
    (draft,) = home_of_owner(rf)["needs"]
    assert draft["title"] == "1 draft to be ordered"
    services.schedule_installation(service, actor=SYSTEM)
    (pending,) = home_of_owner(rf)["needs"]
    assert pending["title"] == "1 installation to be done"
    services.activate_service(service, actor=SYSTEM)
    assert home_of_owner(rf)["needs"] == []


def test_first_steps_go_once_they_are_done(workspace, service, dora, rf):
    steps = home_of_owner(rf)["checklist"]
    assert [step.done for step in steps] == [True, True, False]
