"""What a client of the OpenID provider does, step by step."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from django.http import HttpResponse
from django.test import Client

from apps.events.actors import SYSTEM
from apps.idp.models import RelyingParty
from apps.idp.services import PartyWords, save_party
from apps.tenancy.kinds import operator
from apps.tenants.models import Organisation
from tests.accounts.browser import Browser
from tests.accounts.people import FRONT

BACK = "https://wiki.example/back"
SCOPES = ["openid", "profile", "email", "organisations"]


@dataclass
class Tool:
    """A registered client with its secret and the verifier of its next request."""

    party: RelyingParty
    secret: str
    verifier: str = "v" * 50
    changes: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.party.client_id)

    def address(self, **changes: str | None) -> str:
        """Where it sends a browser; None leaves a parameter out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "scope": " ".join(SCOPES),
            "state": "a-state",
            "nonce": "a-nonce",
            "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
            "code_challenge_method": "S256",
            **changes,
        }
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        return f"{FRONT}/identity/authorize?{query}"

    def code(self, browser: Browser) -> str:
        """A code, with the consent of who is in the browser."""
        return said_back(consent(browser, self.address()))["code"]

    def exchange(self, code: str, **changes: str) -> HttpResponse:
        """What the token endpoint says to a code."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return self.ask("token", {**form, "code_verifier": self.verifier, **changes})

    def ask(self, what: str, form: dict[str, str], **headers: str) -> HttpResponse:
        """POST to an endpoint with its name and secret, if it has one."""
        known = {"client_id": self.id, **({"client_secret": self.secret} if self.secret else {})}
        host = {"host": urlsplit(FRONT).netloc, **headers}
        return Client().post(f"/identity/{what}", {**known, **form}, headers=host)

    def userinfo(self, token: str) -> HttpResponse:
        """Who a token is of."""
        headers = {"host": urlsplit(FRONT).netloc, "authorization": f"Bearer {token}"}
        return Client().get("/identity/userinfo", headers=headers)

    def claims(self, id_token: str) -> dict[str, Any]:
        """What an ID token says, with its signature checked by the published keys."""
        host = {"host": urlsplit(FRONT).netloc}
        keys = jwt.PyJWKSet.from_dict(Client().get("/.well-known/jwks.json", headers=host).json())
        return jwt.decode(id_token, keys.keys[0].key, ["RS256"], audience=self.id, issuer=FRONT)


def register(*organisations: Organisation, **changes: Any) -> Tool:
    """A client of one's own."""
    words = {
        "name": "The Wiki",
        "is_public": False,
        "redirect_uris": [BACK],
        "scopes": SCOPES,
        "who": "members" if organisations else "everybody",
        "organisations": organisations,
        "may_refresh": True,
    }
    with operator():
        party, secret = save_party(None, PartyWords(**{**words, **changes}), actor=SYSTEM)
    return Tool(party, secret.reveal() if secret else "")


def consent(browser: Browser, address: str, *, action: str = "grant") -> HttpResponse:
    """Open the page that asks, and answer."""
    page = browser.visit(address, follow=False)
    assert page.status_code == 200, page.headers.get("Location", page.content.decode())
    found = re.search(r'name="request"[^>]*value="([^"]+)"', page.content.decode())
    assert found
    asked = re.findall(r'name="scopes" value="([a-z]+)"', page.content.decode())
    form = {"request": found[1], "scopes": asked, "action": action}
    return browser.submit(f"{FRONT}/identity/authorize", form, follow=False)


def said_back(response: HttpResponse) -> dict[str, str]:
    """What a redirect to the client says."""
    assert response["Location"].startswith(BACK), response["Location"]
    query = parse_qs(urlsplit(response["Location"]).query)
    return {name: values[0] for name, values in query.items()}
