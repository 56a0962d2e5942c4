"""ISPs that signed up, on a platform with one fake server."""

from collections.abc import Callable, Iterator

import pytest

from apps.accounts.models import User
from apps.billing import services as billing
from apps.events.actors import SYSTEM
from apps.fleet import engines
from apps.fleet.edge import edge
from apps.fleet.models import Region, Server
from apps.marketplace.services import publish_folder
from apps.tenancy.kinds import operator
from apps.tenants.models import Organisation
from apps.tenants.services import Application, create_organisation


@pytest.fixture
def platform(db: None) -> Iterator[None]:
    """A region with one server, the plans and the catalogue; engine and edge start empty."""
    engines.forget()
    edge.cache_clear()
    with operator():
        billing.seed_operator_plans()
        publish_folder()
        region = Region.objects.create(code="local", name="This machine", country="XX")
        Server.objects.create(
            name="one", region=region, cpu_millis=16000, memory_mb=16000, disk_mb=200_000
        )
    yield
    engines.forget()
    edge.cache_clear()


@pytest.fixture
def engine(platform: None) -> object:
    """The fake engine of the server."""
    return engines.fake_engine("one")


@pytest.fixture
def sign_up(platform: None) -> Callable[..., Organisation]:
    """`sign_up("north", plan="business")` makes an ISP, as the sign-up pages do."""

    def make(slug: str, plan: str = "business") -> Organisation:
        with operator():
            owner = User.objects.create_user(f"owner@{slug}.example", "secret-of-the-owner")
            offered = next(p for p in billing.offered_plans() if p.key == plan)
            return create_organisation(
                Application(slug.title(), slug, "SE", "SEK", "Europe/Stockholm", "local"),
                offered,
                owner=owner,
                actor=SYSTEM,
            )

    return make
