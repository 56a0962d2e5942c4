"""Encrypted fields: Fernet with several keys, each ciphertext bound to the place it belongs to."""

from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from dotmac.crypto.secret import Secret

_LENGTH_BYTES = 2


class CipherError(Exception):
    """A field could not be encrypted or read; the message carries neither value nor key."""


class Cipher:
    """Encrypts with the first key and decrypts with any of them.

    `context` names the place of a value, for instance `accounts_apikey.secret`. It is stored
    inside and checked on reading, so that a ciphertext copied to another column does not open.
    """

    def __init__(self, keys: Iterable[Secret]) -> None:
        fernets = [_fernet(key) for key in keys]
        if not fernets:
            raise CipherError("No key for encrypted fields is set; generate one and set it.")
        self._first = fernets[0]
        self._all = MultiFernet(fernets)

    def encrypt(self, plaintext: str, *, context: str) -> str:
        """Return the ciphertext as URL-safe text, about 1.4 times as long plus 100 characters."""
        return self._all.encrypt(_prefix(context) + plaintext.encode()).decode()

    def decrypt(self, ciphertext: str, *, context: str) -> str:
        """Return the plaintext; raises CipherError when no key or the context does not fit."""
        try:
            opened = self._all.decrypt(ciphertext.encode())
        except InvalidToken:
            raise CipherError(
                f"The value of {context} opens with none of the keys: it is damaged, or its key "
                "is missing. Add the key that it was written with."
            ) from None
        return _without_prefix(opened, context)

    def rotate(self, ciphertext: str) -> str:
        """Return the same value, still bound to its context, encrypted with the first key.

        Raises CipherError when no key fits.
        """
        try:
            return self._all.rotate(ciphertext.encode()).decode()
        except InvalidToken:
            raise CipherError("A value opens with none of the keys.") from None

    def is_current(self, ciphertext: str) -> bool:
        """Say whether the first key encrypted it, so that a rotation can skip it."""
        try:
            self._first.decrypt(ciphertext.encode())
        except InvalidToken:
            return False
        return True

    def __repr__(self) -> str:
        return "Cipher([secret])"


def generate_key() -> Secret:
    """Return a new key: 32 random bytes in URL-safe base64."""
    return Secret(Fernet.generate_key().decode())


def parse_keys(text: str | Secret) -> tuple[Secret, ...]:
    """Split a setting into keys, separated by commas or blanks, the newest first."""
    keys = tuple(Secret(part) for part in Secret(text).reveal().replace(",", " ").split())
    for key in keys:
        _fernet(key)
    return keys


def _fernet(key: Secret) -> Fernet:
    try:
        return Fernet(key.reveal())
    except ValueError:
        raise CipherError(
            "A key for encrypted fields is not 32 bytes in URL-safe base64; generate one anew."
        ) from None


def _prefix(context: str) -> bytes:
    """Return the context led by its length, so that no value can imitate a longer context."""
    name = context.encode()
    if not 0 < len(name) < 2 ** (8 * _LENGTH_BYTES):
        raise CipherError("A context has 1 to 65535 bytes, for instance `table.column`.")
    return len(name).to_bytes(_LENGTH_BYTES, "big") + name


def _without_prefix(opened: bytes, context: str) -> str:
    prefix = _prefix(context)
    if not opened.startswith(prefix):
        raise CipherError(
            f"The value found in {context} was encrypted for another place; it was copied or "
            "moved. Restore the column from a backup."
        )
    return opened[len(prefix) :].decode()
