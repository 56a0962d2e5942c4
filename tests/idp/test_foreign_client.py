"""A client of another making, Authlib, signs people in with our OpenID provider."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from django.test import Client
from joserfc import jwt
from joserfc.jwk import KeySet

from apps.accounts.models import User
from apps.tenants.models import Organisation
from tests.accounts.browser import Browser
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import FRONT
from tests.idp.clients import BACK, SCOPES, Tool, consent, register

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
_NONCE, _VERIFIER = "a-nonce-of-the-client", "v" * 50


def _asks_us(request: httpx.Request) -> httpx.Response:
    """What our application answers, in this test's transaction."""
    given = dict(request.headers)
    kind = given.pop("content-type", "")
    path = request.url.raw_path.decode()
    answer = Client(headers=given).generic(request.method, path, request.content, content_type=kind)
    return httpx.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


@pytest.fixture
def tool(northwind: Organisation) -> Tool:
    """A wiki for the people of Northwind."""
    return register(northwind)


@pytest.fixture
def client(tool: Tool) -> Iterator[OAuth2Client]:
    """The wiki's, which asks our own application for each page."""
    with OAuth2Client(
        tool.id,
        tool.secret,
        scope=" ".join(SCOPES),
        redirect_uri=BACK,
        code_challenge_method="S256",
        transport=httpx.MockTransport(_asks_us),
    ) as opened:
        yield opened


@pytest.fixture
def provider(client: OAuth2Client) -> dict[str, Any]:
    """What it finds out about us by the issuer alone."""
    said = client.request(
        "GET", get_well_known_url(FRONT, external=True), withhold_token=True
    ).json()
    metadata = OpenIDProviderMetadata(said)
    # Its own rules want https everywhere, which development has not.
    metadata.validate_response_types_supported()
    metadata.validate_subject_types_supported()
    metadata.validate_id_token_signing_alg_values_supported()
    metadata.validate_token_endpoint_auth_methods_supported()
    metadata.validate_grant_types_supported()
    metadata.validate_scopes_supported()
    metadata.validate_code_challenge_methods_supported()
    assert metadata["issuer"] == FRONT
    return dict(metadata)


@pytest.fixture
def alice(browser: Browser, northwind: Organisation) -> User:
    """Northwind's owner, signed in."""
    browser.sign_in("alice@example.net", PASSWORD)
    return User.objects.get(email="alice@example.net")


def sign_in(client: OAuth2Client, provider: dict[str, Any], browser: Browser) -> dict[str, Any]:
    """By the browser to our consent and back; the tokens for the code."""
    address, state = client.create_authorization_url(
        provider["authorization_endpoint"], nonce=_NONCE, code_verifier=_VERIFIER
    )
    back = consent(browser, address)["Location"]
    given: dict[str, Any] = client.fetch_token(
        provider["token_endpoint"],
        authorization_response=back,
        state=state,
        code_verifier=_VERIFIER,
    )
    return given


def claims_of(client: OAuth2Client, provider: dict[str, Any], given: dict[str, Any]) -> CodeIDToken:
    """What the ID token says, by the keys that we publish and the rules that the library has."""
    keys = KeySet.import_key_set(
        client.request("GET", provider["jwks_uri"], withhold_token=True).json()
    )
    token = jwt.decode(given["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(
        token.claims,
        token.header,
        options={
            "iss": {"essential": True, "value": provider["issuer"]},
            "aud": {"essential": True, "value": client.client_id},
        },
        params={
            "nonce": _NONCE,
            "client_id": client.client_id,
            "access_token": given["access_token"],
        },
    )
    claims.validate(leeway=30)
    return claims


def test_it_signs_alice_in_and_asks_who_she_is(
    client: OAuth2Client, provider: dict[str, Any], alice: User, browser: Browser
) -> None:
    given = sign_in(client, provider, browser)
    assert claims_of(client, provider, given)["sub"] == str(alice.uuid)
    told = client.get(provider["userinfo_endpoint"]).json()
    assert (told["sub"], told["email"], told["email_verified"]) == (
        str(alice.uuid),
        "alice@example.net",
        True,
    )
    assert [one["slug"] for one in told["organisations"]] == ["northwind"]


def test_it_refreshes_once_and_gives_its_token_back(
    client: OAuth2Client, provider: dict[str, Any], alice: User, browser: Browser
) -> None:
    first = sign_in(client, provider, browser)
    second = client.refresh_token(provider["token_endpoint"], first["refresh_token"])
    assert second["access_token"] != first["access_token"]
    assert client.get(provider["userinfo_endpoint"]).json()["sub"] == str(alice.uuid)
    client.revoke_token(
        provider["revocation_endpoint"], second["access_token"], token_type_hint="access_token"
    )
    assert client.get(provider["userinfo_endpoint"]).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(provider["token_endpoint"], first["refresh_token"])


def test_a_code_without_its_verifier_or_with_another_secret_gives_nothing(
    client: OAuth2Client, provider: dict[str, Any], alice: User, browser: Browser, tool: Tool
) -> None:
    for wrong in ({"code_verifier": "w" * 50}, {"client_secret": "another"}):
        address, state = client.create_authorization_url(
            provider["authorization_endpoint"], nonce=_NONCE, code_verifier=_VERIFIER
        )
        back = consent(browser, address)["Location"]
        client.client_secret = wrong.get("client_secret", tool.secret)
        with pytest.raises(OAuthError, match=r"invalid_(grant|client)"):
            client.fetch_token(
                provider["token_endpoint"],
                authorization_response=back,
                state=state,
                code_verifier=wrong.get("code_verifier", _VERIFIER),
            )
