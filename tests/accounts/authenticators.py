"""An authenticator app and a passkey, for tests: what a phone and a browser do, in Python."""

import base64
import hashlib
import json
import re
import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.http import HttpResponse
from fido2 import cbor

_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40


def code_at(secret: str, seconds: float = 0) -> str:
    """What an authenticator app shows, `seconds` from now."""
    return format_hotp_value(hotp_value(secret, int(time.time() + seconds) // 30))


def options_of(page: HttpResponse) -> dict[str, Any]:
    """The options that a page gives the browser's passkey dialog."""
    found = re.search(r'id="passkey-options"[^>]*>(.*?)</script>', page.content.decode(), re.DOTALL)
    assert found, page.content.decode()
    options: dict[str, Any] = json.loads(found[1])
    return options


class SoftPasskey:
    """A passkey with its private key, which checks its person."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.user_handle = b""
        self.host = ""

    def register(self, options: dict[str, Any], origin: str) -> str:
        """The answer to a page that adds a passkey."""
        public = options["creation_options"]["publicKey"]
        self.user_handle = _bytes(public["user"]["id"])
        self.host = public["rp"]["id"]
        client = _client_data("webauthn.create", public["challenge"], origin)
        parts = {"fmt": "none", "attStmt": {}, "authData": self._registered(self.host)}
        response = {
            "clientDataJSON": _text(client),
            "attestationObject": _text(cbor.encode(parts)),
            "transports": ["internal"],
        }
        return self._answer(response, {"credProps": {"rk": True}})

    def sign(self, options: dict[str, Any], origin: str) -> str:
        """The answer to a page that asks for the passkey."""
        public = options["request_options"]["publicKey"]
        client = _client_data("webauthn.get", public["challenge"], origin)
        data = self._head(self.host, _PRESENT | _VERIFIED)
        signed = data + hashlib.sha256(client).digest()
        response = {
            "clientDataJSON": _text(client),
            "authenticatorData": _text(data),
            "signature": _text(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": _text(self.user_handle),
        }
        return self._answer(response, {})

    def _registered(self, host: str) -> bytes:
        point = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        named = len(self.id).to_bytes(2, "big") + self.id
        head = self._head(host, _PRESENT | _VERIFIED | _HAS_KEY)
        return head + bytes(16) + named + cbor.encode(key)

    @staticmethod
    def _head(host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + bytes(4)

    def _answer(self, response: dict[str, Any], extensions: dict[str, Any]) -> str:
        return json.dumps(
            {
                "id": _text(self.id),
                "rawId": _text(self.id),
                "type": "public-key",
                "authenticatorAttachment": "platform",
                "clientExtensionResults": extensions,
                "response": response,
            }
        )


def origin_of(address: str) -> str:
    """As a browser names it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _client_data(type: str, challenge: str, origin: str) -> bytes:
    said = {"type": type, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps(said).encode()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
