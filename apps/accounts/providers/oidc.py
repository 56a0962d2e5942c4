"""OpenID Connect as allauth does it, with what it leaves out checked (OpenID Connect Core, 3.1.3).

allauth believes an ID token that it fetched itself, knows no nonce, and prefers what userinfo
says. Here the token's signature, issuer, audience, times and nonce are checked, and the token says
who it is. Userinfo is asked only where the token names no address, as many leave it out whenever
there is an access token (5.4), and only about the same person (5.3.2).
"""

import secrets
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponse

from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.net import exchange
from apps.accounts.providers.pages import leave

# Signed by the provider's private key; nothing that the client's secret could sign.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
_REQUIRED = ["iss", "aud", "exp", "iat", "sub", "nonce"]
_LEEWAY_S = 30
_OF_PERSON = ("email", "email_verified", "name", "given_name", "family_name")
_GOOGLE_MAIL = ("gmail.com", "googlemail.com")


class CheckedAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """The way to a provider and back."""

    nonce = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the issuer publishes, if it is the issuer's own."""
        config: dict[str, Any] = super().openid_config
        wanted = self.get_provider().app.settings["server_url"]
        if str(config.get("issuer", "")).rstrip("/") != wanted.rstrip("/"):
            raise OAuth2Error("The discovery document names another issuer.")
        return config

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any
    ) -> Any:
        """Who the ID token says it is; OAuth2Error for a token that is not for us, here and now."""
        claims = self._claims(app, str(kwargs["response"].get("id_token", "")))
        kind = app.settings.get("kind", "")
        if kind == IdentityProvider.Kind.OIDC and not claims.get("email"):
            claims = self._asked(claims, token.token)
        claims["email_verified"] = is_proven(kind, claims)
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def _claims(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                id_token,
                self._key_of(id_token),
                algorithms=_ALGORITHMS,
                audience=app.client_id,
                issuer=self.openid_config["issuer"],
                leeway=_LEEWAY_S,
                options={"require": _REQUIRED},
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise OAuth2Error("The ID token is not valid.") from error
        if not self.nonce or not secrets.compare_digest(str(claims["nonce"]), self.nonce):
            raise OAuth2Error("The ID token answers another sign-in.")
        if not claims["sub"]:
            raise OAuth2Error("The ID token names nobody.")
        return claims

    def _asked(self, claims: dict[str, Any], access_token: str) -> dict[str, Any]:
        """The claims with what userinfo says of the person, and nothing of both mixed."""
        address = self.openid_config.get("userinfo_endpoint")
        if not address:
            return claims
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, headers={"Authorization": f"Bearer {access_token}"})
            answer.raise_for_status()
        said = answer.json()
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            raise OAuth2Error("Userinfo speaks of another person.")
        kept = {name: value for name, value in claims.items() if name not in _OF_PERSON}
        return {**kept, **{name: said[name] for name in _OF_PERSON if name in said}}

    def _key_of(self, id_token: str) -> Any:
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
        wanted = jwt.get_unverified_header(id_token).get("kid")
        keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        fitting = [key for key in keys if key.key_id == wanted]
        if not fitting:
            raise OAuth2Error("The ID token is signed by a key that the issuer does not publish.")
        return fitting[0].key


def is_proven(kind: str, claims: dict[str, Any]) -> bool:
    """Whether a provider says that an address is its person's own, in a way that counts.

    Some say "false", a text, which would pass for true. Google vouches for its own addresses and
    for those of the Workspace that it names; another one was proven some time, perhaps by
    somebody who has left. A directory of Microsoft lets its administrators write any address.
    """
    domain = str(claims.get("email", "")).rpartition("@")[2].lower()
    if kind == "microsoft":
        return claims.get("xms_edov") in (True, 1, "1", "true")
    if kind == "google" and domain not in _GOOGLE_MAIL and claims.get("hd") != domain:
        return False
    return claims.get("email_verified") is True


class CheckedProvider(OpenIDConnectProvider):  # type: ignore[misc]
    """A provider that is asked with a nonce, which waits in the session beside the state."""

    oauth2_adapter_class = CheckedAdapter
    pkce_enabled_default = True

    def redirect(
        self,
        request: HttpRequest,
        process: str,
        next_url: str | None = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """To the provider."""
        nonce = secrets.token_urlsafe(24)
        params = {**(kwargs.pop("auth_params", None) or self.get_auth_params()), "nonce": nonce}
        response: HttpResponse = super().redirect(
            request, process, next_url, data, auth_params=params, nonce=nonce, **kwargs
        )
        return leave(request, self.app.name, response)


class _Callback(OAuth2CallbackView):  # type: ignore[misc]
    """Back from the provider, with the nonce that the browser left with."""

    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, response = super()._get_state(request, provider)
        self.adapter.nonce = (state or {}).get("nonce", "")
        return state, response


def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Leave for a provider."""
    return _passed(OAuth2LoginView, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Come back from one."""
    return _passed(_Callback, request, provider_id)


def _passed(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = CheckedAdapter(request, provider_id)
    try:
        with exchange():
            response: HttpResponse = view.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (OAuth2Error, requests.RequestException) as error:
        response = render_authentication_error(request, adapter.get_provider(), exception=error)
    return response
