"""Two subscribers of Acme and one of Initech, each with a browser."""

from dataclasses import dataclass

import pytest
from django.test import Client

from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.subscribers import services
from apps.subscribers.models import Service, Subscriber
from tests.subscribers.conftest import make_plan, sign_in


@dataclass
class Customer:
    """A subscriber with a service, and their browser."""

    subscriber: Subscriber
    service: Service
    browser: Client


def make_customer(isp, name: str, price: int) -> Customer:
    """A subscriber with an active service, signed in to the portal."""
    email = f"{name.split(maxsplit=1)[0].lower()}@example.com"
    user = create_user(email=email, password="a long password", is_verified=True, actor=SYSTEM)
    address = {"street": f"1 {name} Road", "city": "Waverly"}
    person = services.create_subscriber(
        name=name, email=email, user=user, address=address, actor=SYSTEM
    )
    service = services.add_service(
        person,
        plan_version=make_plan(f"{name} plan", price),
        username=email,
        address=person.addresses.get(),
        actor=SYSTEM,
    )
    services.activate_service(service, actor=SYSTEM)
    return Customer(person, service, sign_in(isp, user))


@pytest.fixture
def dora(acme, in_workspace) -> Customer:
    """Dora, a customer of Acme."""
    with in_workspace(acme):
        return make_customer(acme, "Dora Diaz", 3900)


@pytest.fixture
def emil(acme, in_workspace) -> Customer:
    """Emil, another customer of Acme."""
    with in_workspace(acme):
        return make_customer(acme, "Emil Novak", 5400)


@pytest.fixture
def ines(initech, in_workspace) -> Customer:
    """Ines, a customer of Initech with the same id as Dora."""
    with in_workspace(initech):
        return make_customer(initech, "Ines Costa", 2900)
