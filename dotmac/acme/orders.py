"""What an account ordered, as plain values."""

from dataclasses import dataclass, field
from typing import Any

from acme import challenges, messages
from josepy.jwk import JWKEC

from dotmac.acme.errors import words_of

HTTP, DNS = "http-01", "dns-01"
PENDING, READY, PROCESSING = "pending", "ready", "processing"
VALID, INVALID = "valid", "invalid"


@dataclass(frozen=True)
class Order:
    """An order at its authority; `status` is pending, ready, processing, valid or invalid."""

    url: str
    status: str
    authorisations: tuple[str, ...]
    finalise_url: str
    certificate_url: str = ""
    error: str = ""
    # How long the authority wants to be left alone, in seconds, where it said so.
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Challenge:
    """How to prove one name: `text` is published under `token` (HTTP-01) or as a TXT record."""

    kind: str
    url: str
    status: str
    token: str
    text: str = field(repr=False)
    error: str = ""
    # What the library sends to say that it is published.
    response: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Authorisation:
    """Whether the authority believes that a name is ours."""

    name: str
    is_wildcard: bool
    status: str
    challenges: tuple[Challenge, ...]

    @property
    def shown_name(self) -> str:
        """As it is in the certificate."""
        return f"*.{self.name}" if self.is_wildcard else self.name

    @property
    def record(self) -> str:
        """Where DNS-01 wants its TXT record."""
        return f"_acme-challenge.{self.name}"

    def by(self, kind: str) -> Challenge | None:
        """The challenge of a kind; None where the authority does not offer it."""
        return next((one for one in self.challenges if one.kind == kind), None)

    @property
    def error(self) -> str:
        """Why it was refused, in the authority's words."""
        return next((one.error for one in self.challenges if one.error), "")


def order_of(url: str, body: messages.Order, retry_after_s: float | None) -> Order:
    """An order as the authority describes it."""
    return Order(
        url,
        body.status.name,
        tuple(body.authorizations or ()),
        body.finalize,
        body.certificate or "",
        words_of(body.error) if body.error else "",
        retry_after_s,
    )


def authorisation_of(body: messages.Authorization, key: JWKEC) -> Authorisation:
    """An authorisation with what proves its name; other kinds of challenge are left out."""
    found = [_challenge(one, key) for one in body.challenges or ()]
    return Authorisation(
        body.identifier.value,
        bool(body.wildcard),
        body.status.name,
        tuple(one for one in found if one is not None),
    )


def _challenge(body: messages.ChallengeBody, key: JWKEC) -> Challenge | None:
    wanted = body.chall
    if isinstance(wanted, challenges.DNS01 | challenges.HTTP01):
        return Challenge(
            wanted.typ,
            body.uri,
            body.status.name,
            wanted.encode("token"),
            wanted.validation(key),
            words_of(body.error) if body.error else "",
            wanted.response(key),
        )
    return None
