"""Acme's workspace with two plans, and files to import."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from apps.accounts.models import User
from apps.billing import services as billing
from apps.billing.models import PlanVersion
from apps.events.actors import SYSTEM
from apps.subscribers import imports, services
from apps.subscribers.models import Service, Subscriber, SubscriberImport

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
HEADER = "number,name,email,phone,street,postcode,city,country,plan,username,status,external_id"


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


def make_plan(name: str, minor: int = 3900, currency: str = "USD", **terms) -> PlanVersion:
    """A plan with a price, and the speeds that its name tells."""
    key = name.lower().replace(" ", "-")
    plan = billing.create_plan(key=key, name=name, actor=SYSTEM)
    speeds = {"down_kbps": 100_000, "up_kbps": 50_000}
    offer = billing.Terms(currency=currency, flat_minor=minor, entitlements=speeds, **terms)
    return billing.publish_version(plan, offer, actor=SYSTEM)


@pytest.fixture
def workspace(acme, in_workspace) -> Iterator[PlanVersion]:
    """Inside Acme's workspace, which sells Fiber 100; gives its version."""
    with in_workspace(acme):
        yield make_plan("Fiber 100")


@pytest.fixture
def dora(workspace: PlanVersion) -> Subscriber:
    """Dora, a lead of Acme."""
    return services.create_subscriber(name="Dora Diaz", email="dora@example.com", actor=SYSTEM)


@pytest.fixture
def service(dora: Subscriber, workspace: PlanVersion) -> Service:
    """Dora's service, still a draft."""
    return services.add_service(dora, plan_version=workspace, username="dora", actor=SYSTEM)


@pytest.fixture
def staff(acme, workspace: PlanVersion) -> Client:
    """Alice's browser, in Acme's admin."""
    return sign_in(acme, User.objects.create_superuser("alice@acme.example", "secret"))


def sign_in(isp, user: User) -> Client:
    """A browser at an ISP's workspace, signed in."""
    client = Client(HTTP_HOST=isp.workspace_host)
    client.force_login(user, backend=BACKEND)
    return client


@pytest.fixture
def bring(workspace: PlanVersion) -> Callable[..., SubscriberImport]:
    """Upload a list as a person would; text gets the usual header."""

    def upload(content: str | bytes, name: str = "list.csv") -> SubscriberImport:
        if isinstance(content, str):
            content = f"{HEADER}\n{content}".encode()
        source = imports.receive_file(ContentFile(content, name=name), actor=SYSTEM)
        source.refresh_from_db()
        return source

    return upload


def rows(count: int, start: int = 1) -> str:
    """That many good rows of an import."""
    return "\n".join(
        f"N-{n},Person {n},p{n}@example.com,+1 319 555 0100,{n} Oak Avenue,50613,Cedar Falls,US,"
        f"Fiber 100,user{n},active,X{n}"
        for n in range(start, start + count)
    )


def problems(source: SubscriberImport) -> list[tuple[int, str, str]]:
    """What is wrong: row, column, message."""
    bad = source.rows.filter(is_good=False).order_by("row")
    return [(row.row, e["column"], e["message"]) for row in bad for e in row.errors]
