"""Adopting by a command and on the page, and giving an organisation an imported workspace."""

from collections.abc import Callable, Iterator
from io import StringIO
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from apps.accounts.models import Membership as Role
from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.core.exceptions import ConflictError
from apps.events.actors import SYSTEM
from apps.instances.models import Instance
from apps.subscribers.models import Subscriber
from apps.subscribers.services import create_subscriber
from apps.tenancy.kinds import operator, schema_exists, schema_of
from apps.tenancy.models import Domain
from apps.tenants import grants
from apps.tenants.attaching import attach
from apps.tenants.models import Organisation, UsageReport
from apps.tenants.services import create_organisation
from tests.accounts.browser import Browser
from tests.accounts.conftest import PASSWORD, application, plan_of
from tests.tenants.arrived import (
    Bring,
    bring,
    furnished,
    module_database,
    own_files,
    swept_database,
)

__all__ = ["bring", "furnished", "module_database", "own_files", "swept_database"]
PAGE = "/admin/tenants/organisation/imported/"


@pytest.fixture
def northwind(bring: Bring) -> Iterator[Organisation]:
    """Bob's ISP, which signed up here, with nothing in it yet."""
    with operator():
        bob = create_user(email="bob@northwind.example", is_verified=True, actor=SYSTEM)
    made = create_organisation(application(), plan_of("starter"), owner=bob, actor=SYSTEM)
    grants.renew(made)
    yield made
    connection.set_schema_to_public()
    bob.delete()


def test_an_imported_workspace_takes_the_place_of_an_empty_one(
    bring: Bring, northwind: Organisation
) -> None:
    slug = bring(console=False)
    with schema_of(f"w_{slug}"):
        User.objects.filter(email=f"alice@{slug}.example").update(email="bob@northwind.example")
        User.objects.create_user("erin@elsewhere.example", identity=uuid4(), is_staff=True)
    attach(slug, northwind, actor=SYSTEM)
    northwind.refresh_from_db()
    assert northwind.workspace.schema_name == f"w_{slug}"
    assert not schema_exists("w_northwind")
    host = Domain.objects.get(tenant=northwind.workspace).domain
    assert host == f"northwind.{django_settings.APPS_DOMAIN}"
    with schema_of(f"w_{slug}"):
        assert Subscriber.objects.exists()
        assert User.objects.get(email="bob@northwind.example").identity == northwind.owner
        assert User.objects.get(email="erin@elsewhere.example").identity is None
    assert grants.renew(northwind).number == 58
    with schema_of("c_northwind"):
        assert Instance.objects.get().hostname == host
    assert UsageReport.objects.filter(organisation=northwind).count() == 1


def test_a_workspace_with_subscribers_is_never_replaced(
    bring: Bring, northwind: Organisation
) -> None:
    slug = bring(console=False)
    with schema_of("w_northwind"):
        create_subscriber(name="Dora", email="", user=None, address={"street": "1"}, actor=SYSTEM)
    with pytest.raises(ConflictError, match="has subscribers"):
        attach(slug, northwind, actor=SYSTEM)
    northwind.refresh_from_db()
    assert northwind.workspace.schema_name == "w_northwind"
    assert schema_exists("w_northwind")


def test_the_command_adopts_and_lists(bring: Bring) -> None:
    slug = bring()
    out = StringIO()
    call_command("adopt_tenant", stdout=out)
    assert f"{slug}: " in out.getvalue()
    with pytest.raises(CommandError, match="--plan"):
        call_command("adopt_tenant", slug, owner="alice@example.net")
    with pytest.raises(CommandError, match="no e-mail"):
        call_command("adopt_tenant", slug, owner="alice", plan="business", country="SE")
    call_command(
        "adopt_tenant", slug, owner=f"alice@{slug}.example", plan="business", country="se",
        stdout=out,
    )  # fmt: skip
    made = Organisation.objects.get(slug=slug)
    assert (made.currency, made.time_zone, made.region) == ("SEK", "Europe/Stockholm", "local")


@pytest.fixture
def page(swept_database: str) -> Iterator[Callable[[str], Client]]:
    """`page("owner")` is somebody of the operator at a browser, who proved who they are."""
    made = []

    def sign_in(role: str) -> Client:
        with operator():
            user = create_user(
                email=f"{role}@dotmac.example", password=PASSWORD, is_verified=True, is_staff=True,
                is_superuser=role == "owner", actor=SYSTEM,
            )  # fmt: skip
            if role != "owner":
                Role.objects.create(user=user, role=role)
        made.append(user)
        browser = Browser()
        browser.sign_in(user.email, PASSWORD)
        client = browser.client(django_settings.BASE_DOMAIN)
        client.defaults["HTTP_HOST"] = django_settings.BASE_DOMAIN
        return client

    yield sign_in
    connection.set_schema_to_public()
    for user in made:
        user.delete()


def test_the_page_adopts(bring: Bring, page: Callable[[str], Client]) -> None:
    slug = bring()
    owner = page("owner")
    assert f"?slug={slug}" in owner.get(PAGE).text
    form = {
        "what": "adopt",
        "email": f"alice@{slug}.example",
        "name": "Alice Fiber",
        "plan": "starter",
        "country": "SE",
        "currency": "SEK",
        "timezone": "Europe/Stockholm",
        "region": "local",
    }
    answer = owner.post(f"{PAGE}?slug={slug}", form)
    assert "This plan allows 1 instance" in answer.text
    answer = owner.post(f"{PAGE}?slug={slug}", {**form, "plan": "business"})
    made = Organisation.objects.get(slug=slug)
    assert answer["Location"].endswith(f"/{made.pk}/change/")
    assert made.name == "Alice Fiber"
    assert owner.get(f"{PAGE}?slug={slug}").status_code == 404


def test_the_page_attaches(
    bring: Bring, northwind: Organisation, page: Callable[[str], Client]
) -> None:
    slug = bring(console=False)
    owner = page("owner")
    address = f"{PAGE}?slug={slug}"
    wrong = owner.post(address, {"what": "attach", "into": "nobody"})
    assert "There is no organisation with this address" in wrong.text
    assert owner.post(address, {"what": "attach", "into": "northwind"}).status_code == 302
    northwind.refresh_from_db()
    assert northwind.workspace.schema_name == f"w_{slug}"


def test_support_sees_nothing_of_it(bring: Bring, page: Callable[[str], Client]) -> None:
    slug = bring()
    support = page("support")
    assert support.post(f"{PAGE}?slug={slug}", {"what": "adopt"}).status_code == 403
    seen = support.get(PAGE)
    assert seen.status_code == 403
    assert slug not in seen.text
    assert not Organisation.objects.filter(slug=slug).exists()
