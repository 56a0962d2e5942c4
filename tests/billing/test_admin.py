"""Plans in the admin, at the operator and in a workspace."""

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.billing.models import Plan, PlanVersion
from apps.billing.services import offered_plans, seed_operator_plans
from apps.tenancy.kinds import operator

PLAN = {"name": "Fiber 100", "key": "", "description": "", "included": "", "position": "1"}
TERMS = {"currency": "eur", "price": "29.90", "period": "month", "trial_days": "0"}
SPEEDS = {"down": "100", "up": "12.5"}


@pytest.fixture
def alice(acme, in_workspace):
    """Alice, who owns Acme, in its workspace."""
    with in_workspace(acme):
        user = User.objects.create_superuser("alice@acme.example", "secret")
        client = Client(HTTP_HOST=acme.workspace_host)
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        yield client


def test_a_new_plan_is_asked_for_its_price(alice):
    answer = alice.post("/admin/billing/plan/add/", {**PLAN, "is_offered": "on"}, follow=True)
    assert answer.status_code == 200
    assert "first version" in answer.text
    assert answer.request["PATH_INFO"].endswith("/version/")


def test_a_version_is_published_with_speeds_in_mbit(alice, acme, in_workspace):
    alice.post("/admin/billing/plan/add/", {**PLAN, "is_offered": "on"})
    with in_workspace(acme):
        plan = Plan.objects.get(key="fiber-100")
    answer = alice.post(f"/admin/billing/plan/{plan.pk}/version/", {**TERMS, **SPEEDS}, follow=True)
    assert "€29.90" in answer.text
    with in_workspace(acme):
        (offer,) = offered_plans()
    assert (offer.flat_minor, offer.currency) == (2990, "EUR")
    assert offer.entitlements == {"down_kbps": 100_000, "up_kbps": 12_500}


def test_a_new_price_begins_with_the_old_one_and_leaves_it(alice, acme, in_workspace):
    alice.post("/admin/billing/plan/add/", {**PLAN, "is_offered": "on"})
    with in_workspace(acme):
        url = f"/admin/billing/plan/{Plan.objects.get().pk}/version/"
    alice.post(url, {**TERMS, **SPEEDS})
    assert 'value="29.90"' in alice.get(url).text
    alice.post(url, {**TERMS, **SPEEDS, "price": "31"})
    with in_workspace(acme):
        prices = PlanVersion.objects.order_by("number").values_list("flat_minor", flat=True)
        assert list(prices) == [2990, 3100]


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"currency": "XXQ"}, "no ISO 4217 code"),
        ({"price": "1.999"}, "More decimals"),
        ({"price": "-1"}, "greater than or equal to 0"),
    ],
)
def test_a_wrong_term_is_named_at_its_field(alice, acme, in_workspace, terms, words):
    alice.post("/admin/billing/plan/add/", PLAN)
    with in_workspace(acme):
        url = f"/admin/billing/plan/{Plan.objects.get().pk}/version/"
    answer = alice.post(url, {**TERMS, **terms})
    assert words in answer.text
    with in_workspace(acme):
        assert not PlanVersion.objects.exists()


def test_a_plan_is_changed_and_its_key_stays(alice, acme, in_workspace):
    alice.post("/admin/billing/plan/add/", PLAN)
    with in_workspace(acme):
        plan = Plan.objects.get()
    fields = {**PLAN, "name": "Glass 100", "key": "other"}
    alice.post(f"/admin/billing/plan/{plan.pk}/change/", fields)
    with in_workspace(acme):
        plan.refresh_from_db()
        assert (plan.name, plan.key, plan.is_offered) == ("Glass 100", "fiber-100", False)


def test_staff_without_the_right_cannot_publish(acme, in_workspace):
    with in_workspace(acme):
        plan = Plan.objects.create(key="a", name="A")
        clerk = User.objects.create_user("clerk@acme.example", "secret", is_staff=True)
        client = Client(HTTP_HOST=acme.workspace_host)
        client.force_login(clerk, backend="allauth.account.auth_backends.AuthenticationBackend")
    url = f"/admin/billing/plan/{plan.pk}/version/"
    assert client.post(url, {**TERMS, **SPEEDS}).status_code == 403


def test_the_operator_sees_its_plans_and_changes_a_limit(operator_schema, settings):
    seed_operator_plans()
    user = User.objects.create_superuser("olivia@example.com", "secret")
    client = Client(HTTP_HOST=settings.BASE_DOMAIN)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "$19.00" in client.get("/admin/billing/plan/").text
    plan = Plan.objects.get(key="starter")
    url = f"/admin/billing/plan/{plan.pk}/version/"
    page = client.get(url)
    assert 'value="0.5"' in page.text
    fields = {
        **page.context["form"].initial,
        "max_subscribers": "150",
        "price": "21",
    }
    client.post(url, fields)
    with operator():
        offer = offered_plans()[0]
    assert offer.entitlements["max_subscribers"] == 150
    assert (offer.flat_minor, offer.per_subscriber_minor) == (2100, 50)
