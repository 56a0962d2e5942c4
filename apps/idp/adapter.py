"""allauth's OpenID provider with our issuer, subjects, keys and claims."""

from collections.abc import Iterable
from typing import Any, Literal
from uuid import UUID

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.models import Client, PrivateKey
from django.utils.translation import gettext_lazy as _

from apps.accounts.addresses import platform_url
from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor
from apps.idp.access import organisations_claim
from apps.idp.keys import private_keys
from apps.idp.models import ClientSignIn

# RFC 8176 knows no word for a passkey: it proves possession of a key.
_AMR = {"webauthn": "pop"}


class ProviderAdapter(DefaultOIDCAdapter):  # type: ignore[misc]
    """How the operator level answers for its people."""

    scope_display = {
        "openid": _("Know that it is you"),
        "email": _("See your e-mail address"),
        "profile": _("See your name"),
        "organisations": _("See your organisations and what you are in them"),
    }

    def get_issuer(self) -> str:
        """The address that people reach; the host and port of the request are not believed."""
        return platform_url("").rstrip("/")

    def get_user_sub(self, client: Client, user: Any) -> str:
        """The person's uuid."""
        return str(user.uuid)

    def get_user_by_sub(self, client: Client, sub: str) -> User | None:
        """Somebody active, or nobody."""
        try:
            return User.objects.filter(uuid=UUID(sub), is_active=True).first()
        except ValueError:
            return None

    def get_claims(
        self,
        purpose: Literal["id_token", "userinfo"],
        user: Any,
        client: Client,
        scopes: Iterable[str],
        email: str | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """The library's, and the organisations that the client may know of.

        Of a scope that was taken from the client since it was granted nothing is told.
        """
        known = set(scopes) & set(client.get_scopes())
        claims: dict[str, Any] = super().get_claims(
            purpose, user, client, known, email=email, **kwargs
        )
        if "organisations" in known:
            claims["organisations"] = organisations_claim(client.party, user)
        return claims

    def populate_id_token(
        self, id_token: dict[str, Any], client: Client, scopes: Iterable[str], **kwargs: Any
    ) -> None:
        """When and how the person signed in here, so that a client sees the second factor."""
        sign_in: ClientSignIn | None = getattr(self.request, "client_sign_in", None)
        if sign_in is None:
            return
        amr = [_AMR.get(method, method) for method in sign_in.methods]
        id_token["auth_time"] = int(sign_in.signed_in_at.timestamp())
        id_token["amr"] = [*amr, *(["mfa"] if holds_second_factor(sign_in.methods) else [])]

    def list_private_keys(
        self,
        *,
        did_activate: Literal[True] | None = None,
        is_active: Literal[True] | None = None,
    ) -> list[PrivateKey]:
        """Those of the settings."""
        return private_keys()
