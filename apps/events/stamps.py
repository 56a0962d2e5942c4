"""What shows that an event was written by this installation, not put into its table by hand.

The digest and the chain of a forged row can be reckoned by whoever knows how; its stamp cannot, as
it is made with a secret that the database does not hold. It names the schema, so that an event is
not carried from one log into another.
"""

from collections.abc import Callable

from apps.events.signing import prover, signature, signer
from apps.tenancy.kinds import current_schema

_PURPOSE = "event"


def stamp_of(digest: str) -> str:
    """The stamp of an event of the current schema."""
    return signature(_PURPOSE, f"{current_schema()}:{digest}")


def stamper() -> Callable[[str], str]:
    """The same as `stamp_of`, for whoever writes many events of the current schema."""
    sign, schema = signer(_PURPOSE), current_schema()
    return lambda digest: sign(f"{schema}:{digest}")


def stamps() -> Callable[[str, str], bool]:
    """Whether a stamp is the one of a digest, asked of many rows of the current schema."""
    is_signed, schema = prover(_PURPOSE), current_schema()

    def is_stamped(digest: str, stamp: str) -> bool:
        return is_signed(f"{schema}:{digest}", stamp)

    return is_stamped
