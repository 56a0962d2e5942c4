"""Every page and endpoint, asked by each built-in role, against the table of who gets where."""

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from apps.accounts.access import BUILT_IN, permissions_of_role
from apps.accounts.models import Membership, User
from apps.tenancy.kinds import schema_of
from tests.keys import key_like
from tests.pages.needs import ANYBODY, OWNERS
from tests.pages.role_table import NEEDS
from tests.pages.roles_held import HOLDS
from tests.pages.test_every_address import HOSTS, OPEN, Address, addresses, values

__all__ = ["values"]

SCHEMAS = {"operator": "public", "console": "c_acme", "workspace": "w_acme"}
# Only a development machine has them.
_OF_DEVELOPMENT = ("ui_gallery", "dev:")


class _Undone(Exception):
    """What a request did is taken back."""


class Person:
    """Somebody of a role, in a browser and with a key."""

    def __init__(self, kind: str, role: str) -> None:
        with schema_of(SCHEMAS[kind]):
            user = User.objects.create_user(
                f"the-{role}@acme.example", is_staff=True, is_superuser=role == OWNERS
            )
            if role != OWNERS:
                Membership.objects.create(user=user, role=role)
            key = key_like(user)[1].reveal()
            self.browser = Client(headers={"host": HOSTS[kind]})
            self.browser.force_login(user)
        self.program = Client(headers={"host": HOSTS[kind], "authorization": f"Bearer {key}"})

    def ask(self, address: Address, method: str) -> HttpResponse:
        """The answer; what the request wrote is taken back."""
        client = self.program if address.path.startswith("/api/v1/") else self.browser
        try:
            with transaction.atomic():
                answer = client.generic(method, address.path)
                raise _Undone
        except _Undone:
            return answer


def is_refused(answer: HttpResponse) -> bool:
    """Whether nothing is there for them: what is missing leads a browser back to the home."""
    is_away = answer.status_code == 302 and answer["location"] == "/admin/"
    return is_away or answer.status_code in (401, 403, 404, 405)


def wanted(kind: str, values: dict[str, str]) -> list[Address]:
    return [
        one
        for one in addresses(kind, values)
        if one.name not in OPEN and NEEDS.get(one.name) != (ANYBODY, ANYBODY)
    ]


@pytest.mark.parametrize("kind", HOSTS)
def test_every_address_stands_in_the_table(kind: str, values: dict[str, str]) -> None:
    missing = {one.name for one in wanted(kind, values)} - NEEDS.keys()
    assert missing == set()


def test_the_table_has_no_dead_entries(values: dict[str, str]) -> None:
    names = {one.name for kind in HOSTS for one in addresses(kind, values)}
    assert NEEDS.keys() - names == set()


@pytest.mark.parametrize("role", BUILT_IN)
def test_a_role_holds_what_the_table_says(role: str) -> None:
    assert permissions_of_role(role) == HOLDS[role]


@pytest.mark.parametrize("role", [*BUILT_IN, OWNERS])
@pytest.mark.parametrize("kind", HOSTS)
def test_a_role_gets_where_the_table_says(kind: str, role: str, values: dict[str, str]) -> None:
    person, wrong = Person(kind, role), []
    everything = {key for pair in NEEDS.values() for key in pair} - {"-"}
    holds = everything if role == OWNERS else HOLDS[role] | {ANYBODY}
    for address in wanted(kind, values):
        for method, key in zip(("GET", "POST"), NEEDS[address.name], strict=True):
            answer = person.ask(address, method)
            is_wrong = answer.status_code == 403 if key in holds else not is_refused(answer)
            if is_wrong:
                wrong.append((address.name, method, key, answer.status_code))
    assert wrong == []
