"""How people sign in through Hilltop's identity provider."""

from typing import Any
from urllib.request import HTTPRedirectHandler, build_opener

import pytest
from django.http import HttpResponse

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.services import save_provider
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import schema_of
from dev.identity_provider import Provider
from dotmac.crypto.secret import Secret
from tests.accounts.browser import Browser, way_out
from tests.accounts.people import (
    ACME,
    FRONT,
    SCHEMAS,
    somebody,
)

SITES = pytest.mark.parametrize("site", [FRONT, ACME])
HILLTOP = ["hilltop.example"]


def set_up(site: str, provider: Provider, **changes: Any) -> IdentityProvider:
    """The provider as an owner set it up at a site."""
    row = IdentityProvider(
        **{
            "kind": "oidc",
            "key": "office",
            "name": "Hilltop Office",
            "client_id": provider.client_id,
            "issuer": provider.url,
            "domains": HILLTOP,
            **changes,
        }
    )
    with schema_of(SCHEMAS[site]):
        save_provider(row, secret=Secret(provider.client_secret), actor=SYSTEM)
    return row


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


def visit_provider(address: str) -> str:
    """What a browser does at the provider; returns where it is sent back to."""
    try:
        build_opener(_Stay).open(address)
    except Exception as answer:
        return str(answer.headers["Location"])  # type: ignore[attr-defined]
    raise AssertionError("The provider keeps the browser.")


def sign_in(browser: Browser, site: str, *, process: str = "login") -> HttpResponse:
    """Through the button, to the provider and back."""
    address = f"{site}/accounts/oidc/office/login/?process={process}"
    answer = browser.submit(address, follow=False)
    back = visit_provider(way_out(answer))
    return browser.visit(back, follow=False)


def people(site: str) -> list[str]:
    with schema_of(SCHEMAS[site]):
        return list(User.objects.order_by("pk").values_list("email", flat=True))


def nora(site: str, *, email: str = "nora@hilltop.example") -> User:
    user = somebody(site, email.partition("@")[0])
    with schema_of(SCHEMAS[site]):
        User.objects.filter(pk=user.pk).update(email=email)
        user.emailaddress_set.update(email=email)
    return user
