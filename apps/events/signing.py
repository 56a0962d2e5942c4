"""What a log proves itself by is signed with the secret of this installation, which changes.

Checkpoints, marks, erasures and accepted breaks stay for ever, and so does what proves them: each
SECRET_KEY of before is kept in EVENT_KEY_FALLBACKS, where it signs nothing any more and opens
nothing else (docs/runbooks/stolen-key.md).
"""

from collections.abc import Callable, Iterator
from hmac import HMAC

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac


def signature(purpose: str, text: str) -> str:
    """What nobody makes who can only write to the database; 64 hexadecimal digits."""
    return _signature(purpose, text, settings.SECRET_KEY)


def signer(purpose: str) -> Callable[[str], str]:
    """The same as `signature`, for whoever signs many: the key is derived once."""
    begun = _hmac(purpose, "", settings.SECRET_KEY)

    def signed(text: str) -> str:
        made = begun.copy()
        made.update(text.encode())
        return made.hexdigest()

    return signed


def is_signature(purpose: str, text: str, found: str) -> bool:
    """Whether this installation signed it, with its present secret or one of before."""
    return any(constant_time_compare(found, _signature(purpose, text, key)) for key in _keys())


def prover(purpose: str) -> Callable[[str, str], bool]:
    """The same as `is_signature`, for whoever asks it of many: keys are derived once."""
    begun = [_hmac(purpose, "", key) for key in _keys()]

    def is_signed(text: str, found: str) -> bool:
        for one in begun:
            made = one.copy()
            made.update(text.encode())
            if made.hexdigest() == found:
                return True
        return False

    return is_signed


def _keys() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS
    yield from settings.EVENT_KEY_FALLBACKS


def _signature(purpose: str, text: str, key: str | bytes) -> str:
    return _hmac(purpose, text, key).hexdigest()


def _hmac(purpose: str, text: str, key: str | bytes) -> HMAC:
    return salted_hmac(f"events.{purpose}", text, secret=key, algorithm="sha256")
