"""An ISP that comes from another installation is a customer here: console, workspace, people."""

from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.contract.models import HeldGrant
from apps.core.exceptions import ConflictError, DomainError
from apps.core.mailbox import messages
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.events.verifying import verify
from apps.fleet.models import Placement, Route
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance
from apps.tenancy.kinds import operator, schema_exists, schema_of
from apps.tenants import closing, grants
from apps.tenants.adopting import imported, tenants_of_nobody
from apps.tenants.erasing.services import begin_due_erasures
from apps.tenants.models import Erasure, Membership, Organisation
from tests.accounts.browser import Browser, person_in
from tests.accounts.conftest import PASSWORD, plan_of
from tests.tenancy.moving import seal_all
from tests.tenants.arrived import (
    Bring,
    adopted,
    bring,
    furnished,
    module_database,
    own_files,
    swept_database,
    types,
    user_at_the_operator,
    work_off,
)

__all__ = ["bring", "furnished", "module_database", "own_files", "swept_database"]


def test_console_and_workspace_become_a_customer(bring: Bring) -> None:
    slug = bring()
    assert slug in [one.slug for one in tenants_of_nobody()]
    made = adopted(slug)
    made.refresh_from_db()
    assert (made.status, made.plan_key, made.trial_ends_at) == ("active", "business", None)
    assert made.console.schema_name == f"c_{slug}"
    assert made.workspace.schema_name == f"w_{slug}"
    assert imported(slug) is None
    assert Event.objects.get(type="organisation.adopted").data["people"] == 2
    with schema_of(f"c_{slug}"):
        workspace, shop = Instance.objects.get(app=WORKSPACE_APP), Instance.objects.get(app="shop")
        assert (workspace.hosting, workspace.status) == ("shared", "active")
        assert workspace.hostname == f"{slug}.{django_settings.APPS_DOMAIN}"
        assert shop.hostname == f"{slug}--shop.{django_settings.APPS_DOMAIN}"
        assert (shop.status, shop.hosting) == ("failed", "dedicated")
    assert Route.objects.get(hostname=workspace.hostname).instance == workspace.uuid
    assert Placement.objects.get(instance=workspace.uuid).schema == f"c_{slug}"
    for schema in (f"c_{slug}", f"w_{slug}"):
        assert "tenant.adopted" in types(schema)
        with schema_of(schema):
            seal_all()
            assert verify().is_proven


def test_the_plan_counts_and_the_grant_is_taken(bring: Bring) -> None:
    slug = bring()
    made = adopted(slug)
    report = grants.renew(made)
    assert report.number == 58
    with schema_of(f"w_{slug}"):
        held = HeldGrant.objects.get()
        assert held.serial == 1
        assert held.limits.keys() == {
            key for key in plan_of("business").entitlements if key.startswith("max_")
        }
        assert User.objects.get(email=f"alice@{slug}.example").is_active


def test_its_people_sign_in_and_keep_their_roles(bring: Bring, settings: Any) -> None:
    slug = bring()
    with operator():
        # Carl has an account here already, which he confirmed; Alice has none.
        carl = create_user(
            email=f"carl@{slug}.example", name="Carl", password=PASSWORD, is_verified=True,
            actor=SYSTEM,
        )  # fmt: skip
    adopted(slug)
    alice = user_at_the_operator(f"alice@{slug}.example")
    assert not alice.has_usable_password()
    roles = dict(Membership.objects.filter(organisation__slug=slug).values_list("user", "role"))
    assert roles == {alice.uuid: "owner", carl.uuid: "member"}
    told = {mail["to"]: mail["subject"] for mail in messages()}
    assert told == dict.fromkeys((alice.email, carl.email), "Northwind Fiber has moved")
    alice.set_password(PASSWORD)
    alice.save()
    console, workspace = (
        f"{slug}.{domain}" for domain in (settings.BASE_DOMAIN, settings.APPS_DOMAIN)
    )
    for person, sites in (
        (alice, {f"c_{slug}": f"http://{console}:8000", f"w_{slug}": f"https://{workspace}:8443"}),
        (carl, {f"c_{slug}": f"http://{console}:8000"}),
    ):
        browser = Browser()
        browser.sign_in(person.email, PASSWORD)
        for schema, site in sites.items():
            page = browser.visit(f"{site}/sso/login/?next=/admin/")
            assert page.status_code == 200
            host = console if schema[0] == "c" else workspace
            assert person_in(browser, host, schema) == person.email
    with schema_of(f"c_{slug}"):
        assert User.objects.get(email=carl.email).membership.role == "technician"
        assert not User.objects.get(email=carl.email).is_superuser
        # Dave had left, and his id of elsewhere is nobody's here.
        dave = User.objects.get(email=f"dave@{slug}.example")
        assert (dave.is_active, dave.identity) == (False, None)


def test_an_account_that_nobody_confirmed_loses_its_password(bring: Bring) -> None:
    slug = bring()
    with operator():
        squatter = create_user(email=f"alice@{slug}.example", password=PASSWORD, actor=SYSTEM)
    adopted(slug)
    squatter.refresh_from_db()
    assert not squatter.has_usable_password()


def test_a_workspace_alone_gets_a_console(bring: Bring) -> None:
    slug = bring(console=False)
    made = adopted(slug)
    with schema_of(made.console.schema_name):
        assert Instance.objects.get().hosting == "shared"
        assert User.objects.get(email=f"alice@{slug}.example").is_superuser
    grants.renew(made)


def test_what_cannot_be_adopted_is_said_and_changes_nothing(bring: Bring) -> None:
    slug = bring()
    with pytest.raises(DomainError, match="no tenant “nobody-there”"):
        adopted("nobody-there")
    with pytest.raises(DomainError, match="This plan allows 1 instance, and the console has 2"):
        adopted(slug, plan="starter")
    Erasure.objects.create(
        organisation=uuid4(), name="x", slug=slug, asked_by="owner", asked_at=timezone.now()
    )
    with pytest.raises(ConflictError, match="was erased"):
        adopted(slug)
    Erasure.objects.all().delete()
    with operator():
        User.objects.filter(email=f"alice@{slug}.example").delete()
        create_user(email=f"alice@{slug}.example", is_active=False, actor=SYSTEM)
    with pytest.raises(DomainError, match="switched off at the operator"):
        adopted(slug)
    assert not Organisation.objects.filter(slug=slug).exists()
    assert imported(slug) is not None
    assert not Route.objects.exists()


def test_a_console_alone_waits_for_its_workspace(bring: Bring) -> None:
    slug = bring(workspace=False)
    with pytest.raises(ConflictError, match="Import its workspace too"):
        adopted(slug)


def test_nobody_adopts_what_is_somebodys(bring: Bring) -> None:
    slug = bring()
    adopted(slug)
    with pytest.raises(DomainError, match="belongs to no organisation"):
        adopted(slug, owner="eve@example.net")


def test_a_copy_of_instances_that_are_here_has_ids_of_its_own(bring: Bring) -> None:
    slug = bring()
    with schema_of(f"c_{slug}"):
        shop = Instance.objects.get(app="shop").uuid
    Placement.objects.create(
        instance=shop, deployment=1, schema="c_acme", operation=shop, cpu_millis=0, memory_mb=0,
        disk_mb=0,
    )  # fmt: skip
    adopted(slug)
    with schema_of(f"c_{slug}"):
        assert Instance.objects.get(app="shop").uuid != shop


def test_it_is_closed_and_erased_as_any_other(bring: Bring) -> None:
    slug = bring()
    made = adopted(slug)
    work_off()
    with operator():
        closing.close(made, side="operator", actor=SYSTEM)
        past = timezone.now()
        Organisation.objects.filter(pk=made.pk).update(erase_after=past)
        assert begin_due_erasures() == 1
    work_off()
    assert Erasure.objects.get(slug=slug).erased_at is not None
    assert not schema_exists(f"c_{slug}")
    assert not User.objects.filter(email=f"carl@{slug}.example").exists()
    Erasure.objects.all().delete()
