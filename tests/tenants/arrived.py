"""Consoles and workspaces that were imported from another installation, for tests to adopt."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Membership as Role
from apps.accounts.models import User
from apps.billing.services import newest_version_of
from apps.contract.models import HeldGrant
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.fleet import engines
from apps.fleet.edge import edge
from apps.fleet.models import Placement, Route
from apps.instances.constants import WORKSPACE_APP
from apps.instances.models import Instance
from apps.tenancy.kinds import CONSOLE, operator, schema_of
from apps.tenancy.models import Tenant
from apps.tenancy.services import create_tenant
from apps.tenancy.transfer.exporting import export_schema
from apps.tenancy.transfer.importing import import_archive
from apps.tenants.adopting import adopt
from apps.tenants.models import Erasure, Organisation
from apps.work.jobs import run
from apps.work.models import Due
from tests.accounts.conftest import application
from tests.instances.world import furnish
from tests.live import module_database, swept_database
from tests.tenancy.moving import new_isp, remove

__all__ = ["module_database", "swept_database"]


@pytest.fixture(scope="module", autouse=True)
def furnished(module_database: str) -> Iterator[None]:
    """What an installation offers, before the first test."""
    furnish()
    yield
    engines.forget()
    edge.cache_clear()


@pytest.fixture(autouse=True)
def own_files(swept_database: str, settings: Any, tmp_path: Path) -> Iterator[None]:
    """Folders and a mailbox of the test's own."""
    settings.VAR_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.LEASE_SECONDS = 120
    settings.EMAIL_BACKEND = "apps.core.mailbox.MailboxBackend"
    cache.clear()
    connection.set_schema_to_public()
    yield
    connection.set_schema_to_public()


Bring = Callable[..., str]


@pytest.fixture
def bring(tmp_path: Path) -> Iterator[Bring]:
    """`bring()` is a slug of which console and workspace were imported from elsewhere.

    Alice owned it there, Carl belonged to it, and Dave had left. Nothing else of it is here.
    """
    slugs = []

    def come(*, console: bool = True, workspace: bool = True, slug: str = "") -> str:
        there = new_isp(2)
        tenants = {there: workspace, _console_of(there): console}
        _people(there.slug)
        for tenant, is_wanted in tenants.items():
            path = tmp_path / f"{tenant.schema_name}.dotmac"
            export_schema(tenant, path)
            remove(tenant)
            if is_wanted:
                import_archive(path, slug=slug)
        slugs.extend([there.slug, slug])
        return str(slug or there.slug)

    yield come
    connection.set_schema_to_public()
    Organisation.objects.filter(slug__in=[*slugs, "northwind"]).delete()
    Route.objects.all().delete()
    Placement.objects.all().delete()
    for tenant in Tenant.objects.filter(slug__in=[*slugs, "northwind"]):
        remove(tenant)


def _console_of(workspace: Tenant) -> Tenant:
    host = f"{workspace.slug}.{django_settings.BASE_DOMAIN}"
    return create_tenant(kind=CONSOLE, slug=workspace.slug, name="The ISP", host=host)


def _people(slug: str) -> None:
    with schema_of(f"c_{slug}"):
        for name, is_active in (("alice", True), ("carl", True), ("dave", False)):
            person = User.objects.create_user(
                f"{name}@{slug}.example",
                name=name.capitalize(),
                identity=uuid4(),
                is_staff=True,
                is_superuser=name == "alice",
                is_active=is_active,
            )
            if name == "carl":
                Role.objects.create(user=person, role="technician")
        for app in (WORKSPACE_APP, "shop"):
            Instance.objects.create(
                name=app,
                app=app,
                hosting="dedicated",
                status="active",
                hostname=f"{slug}--{app}.elsewhere.example",
                deployment=3,
            )
    with schema_of(f"w_{slug}"):
        User.objects.create_user(f"alice@{slug}.example", identity=uuid4(), is_staff=True)
        HeldGrant.objects.update_or_create(defaults={"serial": 57, "report_number": 57})


def adopted(slug: str, *, plan: str = "business", owner: str = "") -> Organisation:
    """Adopt what was imported under this slug."""
    with operator():
        chosen = newest_version_of(plan)
    email = owner or f"alice@{slug}.example"
    return adopt(application(slug), chosen, email=email, actor=SYSTEM)


def user_at_the_operator(email: str) -> User:
    """The operator's person of an address."""
    with operator():
        return User.objects.get(email=email)


def types(schema: str) -> list[str]:
    """What its log tells, in order."""
    with schema_of(schema):
        return list(Event.objects.order_by("id").values_list("type", flat=True))


def work_off() -> None:
    """Do what is due as workers would, until nothing is."""
    for _turn in range(60):
        open_ones = Due.objects.filter(state__in=["queued", "waiting"])
        open_ones.update(due_at=timezone.now())
        ran = [run(str(pk)) for pk in list(open_ones.values_list("pk", flat=True))]
        connection.set_schema_to_public()
        if "ran" not in ran or Erasure.objects.exclude(erased_at=None).exists():
            return
