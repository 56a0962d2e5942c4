"""A row of the log as it is read to be proven, without the cost of a model."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from apps.events.digests import CURRENT, UNSTAMPED, canonical, content_digest, hashed

COLUMNS = """id, seal_no, scheme, digest, chain, uuid::text,
    (extract(epoch FROM at) * 1000000)::bigint::text, type, actor_kind, actor_id, subject_type,
    subject_id, actor_salt, actor_label, ip, salt, subject_label, data::text, actor_digest,
    content_digest, actor_erased_by::text, erased_by::text, stamp"""


class Row(NamedTuple):
    """One event, in the order of COLUMNS."""

    id: int
    seal_no: int | None
    scheme: int
    digest: str
    chain: str
    uuid: str
    at_us: str
    type: str
    actor_kind: str
    actor_id: str
    subject_type: str
    subject_id: str
    actor_salt: str
    actor_label: str
    ip: str
    salt: str
    subject_label: str
    data: str
    actor_digest: str
    content_digest: str
    actor_erased_by: str | None
    erased_by: str | None
    stamp: str

    def read_data(self) -> dict[str, Any]:
        """The data."""
        return json.loads(self.data)  # type: ignore[no-any-return]

    def is_empty(self) -> bool:
        """Whether nothing is left where a person was erased."""
        actor = (self.actor_salt, self.actor_label, self.ip) if self.actor_erased_by else ()
        content = (self.salt, self.subject_label) if self.erased_by else ()
        return not any(actor + content) and (not self.erased_by or self.data == "{}")


def digest_of(row: Row) -> str:
    """The digest that a row must have; of an erased part its own digest stands in its place."""
    if row.scheme not in (UNSTAMPED, CURRENT):
        return f"scheme {row.scheme} is not known"
    return hashed(str(row.scheme), *row[5:12], actor_digest_of(row), content_digest_of(row))


def whole_digest(fields: Sequence[Any]) -> str:
    """The same of a row in the order of COLUMNS of which nothing is erased, written out for speed.

    A log is proven row by row, and most rows are such ones.
    """
    uuid, at, type_, kind, actor, about, subject = fields[5:12]
    salt_a, label_a, ip, salt, label, data = fields[12:18]
    data = canonical(json.loads(data))
    who = f"{len(salt_a)}:{salt_a}{len(label_a)}:{label_a}{len(ip)}:{ip}"
    what = f"{len(salt)}:{salt}{len(label)}:{label}{len(data)}:{data}"
    return sha256(
        f"1:{CURRENT}36:{uuid}{len(at)}:{at}{len(type_)}:{type_}{len(kind)}:{kind}"
        f"{len(actor)}:{actor}{len(about)}:{about}{len(subject)}:{subject}"
        f"64:{sha256(who.encode()).hexdigest()}64:{sha256(what.encode()).hexdigest()}".encode()
    ).hexdigest()


def actor_digest_of(row: Row) -> str:
    """Of who did it."""
    return row.actor_digest if row.actor_erased_by else hashed(*row[12:15])


def content_digest_of(row: Row) -> str:
    """Of what it was about."""
    if row.erased_by:
        return row.content_digest
    return content_digest(row.salt, row.subject_label, json.loads(row.data))


def claims_of(row: Row) -> Iterator[tuple[str, str]]:
    """Which erasure each empty part is said to come from, and what that one must have counted."""
    if row.actor_erased_by:
        yield row.actor_erased_by, claim("actor", row.id, row.actor_digest)
    if row.erased_by:
        yield row.erased_by, claim("content", row.id, row.content_digest)


def claim(part: str, event_id: int, digest: str) -> str:
    """That a part of an event is erased."""
    return f"{part}:{event_id}:{digest}"


def erasure_digest(claims: Sequence[str]) -> str:
    """All that one erasure emptied, as its own event tells it."""
    return hashed(*sorted(claims))
