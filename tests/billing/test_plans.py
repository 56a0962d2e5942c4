"""Plans, their versions that never change, and what the operator offers."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from apps.billing import services
from apps.billing.exceptions import EntitlementError, PlanNotFoundError, PublishedError
from apps.billing.models import Plan, PlanVersion
from apps.billing.services import Terms
from apps.core.exceptions import ConflictError, DomainError
from apps.events.actors import SYSTEM
from apps.events.models import Event

FIBER = Terms(
    currency="EUR", flat_minor=2990, entitlements={"down_kbps": 100_000, "up_kbps": 50_000}
)


@pytest.fixture
def fiber(in_workspace, acme):
    with in_workspace(acme):
        plan = services.create_plan(key="fiber-100", name="Fiber 100", actor=SYSTEM)
        services.publish_version(plan, FIBER, actor=SYSTEM)
        yield plan


def test_the_operator_offers_three_plans(operator_schema):
    services.seed_operator_plans()
    offers = services.offered_plans()
    assert [offer.key for offer in offers] == ["starter", "business", "enterprise"]
    starter, business, _enterprise = offers
    assert (starter.flat_minor, starter.per_subscriber_minor) == (1900, Decimal(50))
    assert (starter.currency, starter.trial_days) == ("USD", 14)
    assert starter.entitlements["hosting"] == "shared"
    assert starter.entitlements["max_subscribers"] == 100
    assert business.highlighted
    assert business.included


def test_seeding_again_changes_nothing(operator_schema):
    services.seed_operator_plans()
    plan = Plan.objects.get(key="starter")
    services.update_plan(plan, actor=SYSTEM, name="Small", is_offered=False)
    services.seed_operator_plans()
    assert Plan.objects.count() == PlanVersion.objects.count() == 3
    assert Plan.objects.get(key="starter").name == "Small"
    assert [offer.key for offer in services.offered_plans()] == ["business", "enterprise"]


def test_new_customers_get_the_newest_version_and_the_old_one_stays(fiber):
    before = services.offered_plans()[0]
    services.publish_version(fiber, replace(FIBER, flat_minor=3490), actor=SYSTEM)
    assert services.offered_plans()[0].flat_minor == 3490
    assert services.plan_version(before.version_uuid).flat_minor == 2990
    assert [v.number for v in fiber.versions.order_by("number")] == [1, 2]


def test_what_is_offered_is_asked_in_one_query(fiber, django_assert_num_queries):
    for number in range(5):
        plan = services.create_plan(key=f"p{number}", name=f"P{number}", actor=SYSTEM)
        services.publish_version(plan, FIBER, actor=SYSTEM)
    with django_assert_num_queries(1):
        assert len(services.offered_plans()) == 6


def test_a_published_version_cannot_be_saved(fiber):
    version = fiber.versions.get()
    version.flat_minor = 1
    with pytest.raises(PublishedError, match="Publish a new version"):
        version.save()
    with pytest.raises(PublishedError):
        version.delete()


@pytest.mark.parametrize("write", ["update", "delete"])
def test_nor_changed_behind_the_model_s_back(fiber, write):
    rows = PlanVersion.objects.filter(plan=fiber)
    with pytest.raises(IntegrityError, match="cannot be changed"), transaction.atomic():
        rows.update(flat_minor=1) if write == "update" else rows._raw_delete("default")
    assert rows.get().flat_minor == 2990


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(FIBER, currency="EUROS"), "currency"),
        (replace(FIBER, currency="XQX"), "currency"),
        (replace(FIBER, flat_minor=-1), "flat_minor"),
        (replace(FIBER, per_subscriber_minor=Decimal("-0.1")), "per_subscriber_minor"),
        (replace(FIBER, period="week"), "period"),
        (replace(FIBER, entitlements={"speed": 100}), "speed"),
        (replace(FIBER, entitlements={"down_kbps": "fast"}), "down_kbps"),
        (replace(FIBER, entitlements={"max_subscribers": True}), "max_subscribers"),
        (replace(FIBER, entitlements={"hosting": "cloud"}), "hosting"),
    ],
)
def test_terms_that_cannot_be_are_named(fiber, terms, field):
    with pytest.raises(DomainError) as refused:
        services.publish_version(fiber, terms, actor=SYSTEM)
    assert refused.value.field == field
    assert fiber.versions.count() == 1


def test_entitlements_are_checked_however_a_version_is_made(fiber):
    with pytest.raises(EntitlementError):
        PlanVersion(
            plan=fiber, number=9, currency="EUR", flat_minor=1, entitlements={"x": 1}
        ).save()


def test_a_key_is_used_once(fiber):
    with pytest.raises(ConflictError) as refused:
        services.create_plan(key="fiber-100", name="Again", actor=SYSTEM)
    assert refused.value.field == "key"


def test_every_change_of_a_plan_is_an_event(fiber):
    services.update_plan(fiber, actor=SYSTEM, name="Fiber One")
    services.update_plan(fiber, actor=SYSTEM, name="Fiber One")
    types = list(Event.objects.order_by("id").values_list("type", flat=True))
    assert types == ["plan.created", "plan.version_published", "plan.updated"]


def test_another_isp_does_not_see_the_plan(fiber, in_workspace, initech):
    version = fiber.versions.get()
    with in_workspace(initech):
        assert services.offered_plans() == []
        with pytest.raises(PlanNotFoundError):
            services.plan_version(version.uuid)
