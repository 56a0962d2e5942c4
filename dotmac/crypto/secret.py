"""Text that must not be printed by accident."""

import hmac
import secrets

MINIMUM_BYTES = 16


class Secret:
    """Text that shows as `[secret]` wherever it is printed; `.reveal()` gives it back.

    Deliberately no subclass of str: joining, concatenating and serialising would leak one.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: "str | Secret") -> None:
        revealed = text.reveal() if isinstance(text, Secret) else text
        object.__setattr__(self, "_text", revealed)

    def reveal(self) -> str:
        """Return the text itself; the caller keeps it out of logs and messages."""
        return self._text

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A Secret cannot be changed; make a new one.")

    def __repr__(self) -> str:
        return "[secret]"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(str(self), format_spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> str:
        # A pickle would end up in a queue or a cache in clear.
        raise TypeError("A Secret is not pickled; encrypt it or pass a reference to it.")


def generate_secret(size: int = 32) -> Secret:
    """Return `size` random bytes (at least 16) as URL-safe text."""
    if size < MINIMUM_BYTES:
        raise ValueError(f"A secret of {size} bytes can be guessed; ask for {MINIMUM_BYTES}.")
    return Secret(secrets.token_urlsafe(size))
