"""Secrets of this installation: made once, kept for this user alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from dotenv import dotenv_values

from dotmac.crypto.keys import SigningKey

GENERATORS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "FIELD_KEYS": lambda: Fernet.generate_key().decode(),
    "PLATFORM_SIGNING_KEY": lambda: SigningKey.generate().to_pem().reveal(),
    "METRICS_TOKEN": lambda: secrets.token_urlsafe(32),
}


def ensure_secrets(file: Path) -> dict[str, str]:
    """The generated secrets; those that a later release needs are added to the file."""
    known = {name: text for name, text in dotenv_values(file).items() if text}
    missing = {name: make() for name, make in GENERATORS.items() if name not in known}
    if missing:
        write_environment(file, {**known, **missing})
    return {**known, **missing}


def write_environment(file: Path, values: Mapping[str, str]) -> None:
    """Replace an environment file in one step, readable by this user alone."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as output:
        output.writelines(f"{name}={_quoted(text)}\n" for name, text in values.items())
    new.replace(file)


def signing_key() -> str:
    """An RSA key in PEM, with which people are signed into other tools (apps.idp)."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _quoted(text: str) -> str:
    """Double quotes, in which dotenv reads `\\n` as a line's end."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
