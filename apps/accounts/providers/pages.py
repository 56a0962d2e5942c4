"""What pages show of identity providers: buttons to sign in, and what a person connected."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider


def sign_in_buttons(wanted: str | None) -> list[dict[str, str]]:
    """The providers that are on, each with where its button posts."""
    more = {"next": wanted} if wanted else {}
    return [
        {"name": row.name, "url": _login_url(row, process="login", **more)}
        for row in IdentityProvider.objects.filter(is_on=True)
    ]


def leave(request: HttpRequest, name: str, response: HttpResponse) -> HttpResponse:
    """A page that leads on to a provider, in place of a redirect there.

    Browsers hold the redirects after a form against the page's policy, and nobody knows over which
    hosts a provider leads people. What a page leads to by itself is no form any more.
    """
    address = response.get("Location", "")
    if not address.startswith(("https://", "http://")):
        return response
    return render(request, "account/leave.html", {"name": name, "address": address})


def connections(user: User) -> list[dict[str, Any]]:
    """Every provider that is on, with this person's account there if they connected one."""
    linked = {account.provider: account for account in SocialAccount.objects.filter(user=user)}
    return [
        {
            "name": row.name,
            "account": linked.get(row.key),
            "url": _login_url(row, process="connect", next=reverse("account_security")),
        }
        for row in IdentityProvider.objects.filter(is_on=True)
    ]


def callback_url(provider: IdentityProvider) -> str:
    """The address that the provider must be told to send people back to."""
    address: str = get_adapter().absolute_url(_path(provider, "callback"))
    return address


def metadata_url(provider: IdentityProvider) -> str:
    """Where an identity provider of SAML reads about this service, which is its entity ID too."""
    address: str = get_adapter().absolute_url(_path(provider, "metadata"))
    return address


def _login_url(provider: IdentityProvider, **query: str) -> str:
    return f"{_path(provider, 'login')}?{urlencode(query)}"


def _path(provider: IdentityProvider, what: str) -> str:
    if provider.kind == IdentityProvider.Kind.SAML:
        return reverse(f"saml_{'acs' if what == 'callback' else what}", args=[provider.key])
    if provider.kind == IdentityProvider.Kind.GITHUB:
        return reverse(f"github_{what}")
    return reverse(f"openid_connect_{what}", args=[provider.key])
