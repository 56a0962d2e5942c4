"""Ed25519 key pairs, named by a digest of their public half."""

import hashlib
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from dotmac.crypto.secret import Secret

_KEY_ID_LENGTH = 32


class KeyFormatError(ValueError):
    """A text that should hold a key does not; the text is never repeated."""


class VerifyKey:
    """The public half of a signing key: opens what the other half signed."""

    __slots__ = ("key_id", "public_key")

    def __init__(self, public_key: Ed25519PublicKey) -> None:
        self.public_key = public_key
        self.key_id = _key_id(public_key)

    @classmethod
    def from_pem(cls, pem: str) -> Self:
        """Read a SubjectPublicKeyInfo PEM; raises KeyFormatError."""
        try:
            key = load_pem_public_key(pem.encode())
        except ValueError:
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise KeyFormatError(
                "The text holds no Ed25519 public key in PEM form; check which file was given."
            )
        return cls(key)

    def to_pem(self) -> str:
        """Return the key as SubjectPublicKeyInfo PEM, fit for publishing."""
        pem = self.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, VerifyKey):
            return NotImplemented
        return self.public_key == other.public_key

    def __hash__(self) -> int:
        return hash(self.key_id)

    def __repr__(self) -> str:
        return f"VerifyKey({self.key_id})"


class SigningKey:
    """An Ed25519 private key; prints as its key id only."""

    __slots__ = ("private_key",)

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.private_key = private_key

    @classmethod
    def generate(cls) -> Self:
        """Make a new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: str | Secret) -> Self:
        """Read an unencrypted PKCS #8 PEM; raises KeyFormatError."""
        try:
            key = load_pem_private_key(Secret(pem).reveal().encode(), password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFormatError(
                "The text holds no unencrypted Ed25519 private key in PEM form; "
                "check which file or setting was given."
            )
        return cls(key)

    def to_pem(self) -> Secret:
        """Return the key as unencrypted PKCS #8 PEM."""
        pem = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Secret(pem.decode())

    @property
    def public(self) -> VerifyKey:
        """The half that may be given away."""
        return VerifyKey(self.private_key.public_key())

    @property
    def key_id(self) -> str:
        """The digest that names this pair in the tokens it signs."""
        return self.public.key_id

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_KEY_ID_LENGTH]
