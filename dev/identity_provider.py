"""A stand-in OpenID provider: an HTTP server of its own, which can be told to lie.

`python -m dev.identity_provider PORT` for a try by hand; tests start it in their process. Whoever
comes is signed in at once, as `person`; each knob makes one thing wrong.
"""

import base64
import hashlib
import json
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass
class Knobs:
    """Who comes, and what is wrong; everything is right by default."""

    person: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "17",
            "email": "nora@hilltop.example",
            "email_verified": True,
            "name": "Nora Lindqvist",
        }
    )
    # Replace claims, for instance `nonce` or `iss` of the ID token; None leaves one out.
    claims: dict[str, Any] = field(default_factory=dict)
    # Replace what userinfo says.
    userinfo: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""
    is_signed_by_stranger: bool = False
    is_unsigned: bool = False
    refuses: bool = False
    is_broken: bool = False


@dataclass(frozen=True)
class Grant:
    """What a code was given out for."""

    client_id: str
    redirect_uri: str
    nonce: str
    challenge: str


class Provider:
    """The server, its keys and its memory; `with Provider() as provider:` runs it."""

    def __init__(self, port: int = 0) -> None:
        self.knobs = Knobs()
        self.client_id, self.client_secret = "dotmac", secrets.token_urlsafe(16)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.grants: dict[str, Grant] = {}
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", port), type("Handler", (_Handler,), {"provider": self})
        )
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Provider":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.knobs.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def jwks(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256"}]}

    def userinfo(self) -> dict[str, Any]:
        knobs = self.knobs
        said = {**knobs.person, **knobs.claims, **knobs.userinfo}
        return {name: value for name, value in said.items() if value is not None}

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes next."""
        if self.knobs.refuses:
            answer = {"error": "access_denied"}
        else:
            code = secrets.token_urlsafe(16)
            self.grants[code] = Grant(
                asked["client_id"],
                asked["redirect_uri"],
                asked.get("nonce", ""),
                asked.get("code_challenge", ""),
            )
            answer = {"code": code}
        return f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked.get('state', '')})}"

    def token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Tokens for a code, once, for who knows the secret and the code's verifier."""
        grant = self.grants.pop(asked.get("code", ""), None)
        if grant is None or asked.get("client_secret") != self.client_secret:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        if grant.challenge and base64.urlsafe_b64encode(digest).decode()[:43] != grant.challenge:
            return 400, {"error": "invalid_grant"}
        id_token = self._id_token(grant)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": id_token}

    def _id_token(self, grant: Grant) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": grant.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.nonce,
            **self.knobs.person,
            **self.knobs.claims,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        if self.knobs.is_unsigned:
            return jwt.encode(said, None, algorithm="none", headers={"kid": "1"})
        key = self.stranger if self.knobs.is_signed_by_stranger else self.key
        return jwt.encode(said, key, algorithm="RS256", headers={"kid": "1"})


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.provider.knobs.is_broken:
            self._answer(500, {"error": "broken"})
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(asked))
            self.end_headers()
        else:
            self._document(parts.path)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self._answer(*self.provider.token(asked))

    def _document(self, path: str) -> None:
        documents = {
            "/.well-known/openid-configuration": self.provider.discovery,
            "/jwks": self.provider.jwks,
            "/userinfo": self.provider.userinfo,
        }
        if path in documents:
            self._answer(200, documents[path]())
        else:
            self._answer(404, {"error": "not_found"})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def main() -> None:
    with Provider(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as provider:
        print(f"Issuer         {provider.url}")
        print(f"Client ID      {provider.client_id}")
        print(f"Client secret  {provider.client_secret}")
        threading.Event().wait()


if __name__ == "__main__":
    main()
