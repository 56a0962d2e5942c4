"""What platform and workspace sign for each other: hand-off, support visit, grant, usage report;
and what the platform signs for everybody, the certificate of an erasure.

Unknown fields are ignored on opening, so that a platform may be newer than a workspace.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Generic, Literal, NamedTuple, TypeVar

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic import ValidationError as PydanticError
from pydantic.dataclasses import dataclass

from dotmac.crypto.keys import SigningKey, VerifyKey
from dotmac.crypto.tokens import Claims, TokenError, open_token, sign

SUPPORT_VISIT = "support-visit"
HAND_OFF_LIFETIME = timedelta(seconds=60)
GRANT_LIFETIME = timedelta(days=14)
# Long enough for a platform that was away; a report is numbered and cumulative, so late does
# no harm and twice changes nothing.
USAGE_REPORT_LIFETIME = timedelta(days=30)
ERASURE = "erasure-certificate"
# It is shown for as long as anybody asks.
ERASURE_LIFETIME = timedelta(days=36_525)

Mode = Literal["full", "read_only"]
Entitlement = bool | int | str
Text = Annotated[str, StringConstraints(max_length=320)]
# One slash and no second, no backslash, no control character: nothing that a browser would
# take for another host.
LocalPath = Annotated[
    str, StringConstraints(pattern=r"^/(?:[^/\\\x00-\x20\x7f][^\\\x00-\x20\x7f]*)?$")
]
MethodName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,20}$")]
Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,24}(?:\.[0-9]{1,12})?$")]
PeriodName = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?$")
]

_CONFIG = ConfigDict(extra="ignore", hide_input_in_errors=True, str_max_length=4096)
T = TypeVar("T")


class Opened(NamedTuple, Generic[T]):
    """An accepted message and the claims of the token that brought it."""

    value: T
    claims: Claims


@dataclass(frozen=True, config=_CONFIG)
class HandOff:
    """Who is signed in on another host, and where they land; `user_id` is the issuer's.

    `amr` is how they signed in (RFC 8176, with `webauthn` for a passkey); empty from a platform
    of before the field.
    """

    user_id: Annotated[Text, StringConstraints(min_length=1)]
    email: Text = Field(repr=False)
    name: Text = Field(default="", repr=False)
    role: Text = ""
    next_path: LocalPath = "/"
    amr: tuple[MethodName, ...] = ()


@dataclass(frozen=True, config=_CONFIG)
class SupportVisit:
    """Somebody of the operator who helps an ISP for a while, on another host.

    Its token has a purpose of its own: a workspace that does not know it lets nobody in, where
    one more field of a hand-off would make a member of them.
    """

    visit: uuid.UUID
    person: uuid.UUID
    expires_at: AwareDatetime
    email: Text = Field(repr=False)
    reason: Text = Field(repr=False)
    name: Text = Field(default="", repr=False)
    next_path: LocalPath = "/"
    amr: tuple[MethodName, ...] = ()


@dataclass(frozen=True, config=_CONFIG)
class Grant:
    """What a workspace may do; the higher `serial` replaces the lower, never the reverse.

    A limit of None means no limit. `version` is the release that the workspace should run.
    `members` is everybody who comes by hand-off, by the operator's id, with their role there; None
    where the platform does not say. `visits` are the support visits that go on. `signed_out` is
    whose sessions were ended lately, and when.
    """

    serial: Annotated[int, Field(ge=1)]
    tenant: uuid.UUID
    schema: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    mode: Mode
    version: Text
    issued_at: AwareDatetime
    entitlements: Mapping[str, Entitlement] = Field(default_factory=dict)
    limits: Mapping[str, int | None] = Field(default_factory=dict)
    hostnames: tuple[str, ...] = ()
    brand: Mapping[str, str] = Field(default_factory=dict)
    members: Mapping[uuid.UUID, Text] | None = Field(default=None, repr=False)
    visits: tuple[uuid.UUID, ...] | None = None
    signed_out: Mapping[uuid.UUID, AwareDatetime] = Field(default_factory=dict, repr=False)

    @property
    def valid_until(self) -> datetime:
        """Fourteen days after the issue."""
        return self.issued_at + GRANT_LIFETIME

    def mode_at(self, moment: datetime) -> Mode:
        """Return the mode in force: read-only once the grant ran out without a newer one."""
        return self.mode if moment < self.valid_until else "read_only"


@dataclass(frozen=True, config=_CONFIG)
class UsageReport:
    """What a workspace counted since the start of `period` (a month or a day, UTC).

    `meters` are cumulative decimal strings; a report with a higher `number` replaces the lower.
    """

    number: Annotated[int, Field(ge=1)]
    tenant: uuid.UUID
    period: PeriodName
    meters: Mapping[str, Quantity]


@dataclass(frozen=True, config=_CONFIG)
class Unproven:
    """What lay on a server that was lost for good, so that nobody saw it go; by name."""

    server: Text
    lost_at: AwareDatetime
    reason: str
    containers: tuple[Text, ...]
    volumes: tuple[Text, ...]


@dataclass(frozen=True, config=_CONFIG)
class ErasureCertificate:
    """What an installation erased of an organisation, and what of it is left; it names no person.

    `counts` is how much went by kind and name: of a schema by its tables, “containers”, “rows”,
    “files” and “bytes”, and of what stays “kept”. After `backups_until` no backup holds it any
    more, after `logs_until` no log of the server; None where logs end by their size.
    """

    certificate: uuid.UUID
    organisation: uuid.UUID
    name: Text
    slug: Text
    asked_by: Text
    asked_at: AwareDatetime
    begun_at: AwareDatetime
    erased_at: AwareDatetime
    backups_until: AwareDatetime
    counts: Mapping[str, Mapping[str, int]]
    kept: tuple[Text, ...] = ()
    # Everything else was seen to be gone.
    unproven: tuple[Unproven, ...] = ()
    logs_until: AwareDatetime | None = None


_HAND_OFF = TypeAdapter(HandOff)
_SUPPORT_VISIT = TypeAdapter(SupportVisit)
_GRANT = TypeAdapter(Grant)
_USAGE_REPORT = TypeAdapter(UsageReport)
_ERASURE = TypeAdapter(ErasureCertificate)


def sign_hand_off(hand_off: HandOff, key: SigningKey, *, host: str, issuer: str) -> str:
    """Return a token that signs the user in on `host`, for 60 s; spend its `jti` on use."""
    return sign(
        _HAND_OFF.dump_python(hand_off, mode="json"),
        key,
        purpose="hand-off",
        audience=host,
        issuer=issuer,
        lifetime=HAND_OFF_LIFETIME,
        subject=hand_off.user_id,
    )


def open_hand_off(
    token: str, keys: Iterable[VerifyKey], *, host: str, issuer: str | None = None
) -> Opened[HandOff]:
    """Open a hand-off meant for `host`; raises TokenError."""
    claims = open_token(token, keys, purpose="hand-off", audience=host, issuer=issuer)
    return Opened(_typed(_HAND_OFF, claims, "hand-off"), claims)


def sign_support_visit(
    visit: SupportVisit, key: SigningKey, *, host: str, issuer: str, state: str
) -> str:
    """Return a token that lets the visitor in on `host`, for 60 s, in the browser of `state`."""
    return sign(
        {**_SUPPORT_VISIT.dump_python(visit, mode="json"), "state": state},
        key,
        purpose=SUPPORT_VISIT,
        audience=host,
        issuer=issuer,
        lifetime=HAND_OFF_LIFETIME,
        subject=str(visit.person),
    )


def open_support_visit(
    token: str, keys: Iterable[VerifyKey], *, host: str, issuer: str | None = None
) -> Opened[SupportVisit]:
    """Open a support visit meant for `host`; raises TokenError."""
    claims = open_token(token, keys, purpose=SUPPORT_VISIT, audience=host, issuer=issuer)
    return Opened(_typed(_SUPPORT_VISIT, claims, SUPPORT_VISIT), claims)


def sign_grant(grant: Grant, key: SigningKey, *, issuer: str) -> str:
    """Return the grant as a token that only its tenant opens, valid for 14 days from its issue."""
    return sign(
        _GRANT.dump_python(grant, mode="json"),
        key,
        purpose="grant",
        audience=str(grant.tenant),
        issuer=issuer,
        lifetime=GRANT_LIFETIME,
        subject=grant.schema,
        issued_at=grant.issued_at,
    )


def open_grant(
    token: str, keys: Iterable[VerifyKey], *, tenant: uuid.UUID, issuer: str | None = None
) -> Opened[Grant]:
    """Open a grant meant for `tenant`; raises TokenError. Whether it is newer the caller checks."""
    claims = open_token(token, keys, purpose="grant", audience=str(tenant), issuer=issuer)
    grant = _typed(_GRANT, claims, "grant")
    if grant.tenant != tenant:
        raise TokenError("audience", purpose="grant")
    return Opened(grant, claims)


def sign_usage_report(report: UsageReport, key: SigningKey, *, audience: str) -> str:
    """Return the report signed with the instance's own key, for the platform at `audience`."""
    return sign(
        _USAGE_REPORT.dump_python(report, mode="json"),
        key,
        purpose="usage-report",
        audience=audience,
        issuer=str(report.tenant),
        lifetime=USAGE_REPORT_LIFETIME,
    )


def open_usage_report(
    token: str, keys: Iterable[VerifyKey], *, tenant: uuid.UUID, audience: str
) -> Opened[UsageReport]:
    """Open a report of `tenant`, signed by one of that instance's `keys`; raises TokenError."""
    purpose = "usage-report"
    claims = open_token(token, keys, purpose=purpose, audience=audience, issuer=str(tenant))
    report = _typed(_USAGE_REPORT, claims, purpose)
    if report.tenant != tenant:
        raise TokenError("issuer", purpose=purpose)
    return Opened(report, claims)


def sign_erasure(certificate: ErasureCertificate, key: SigningKey, *, issuer: str) -> str:
    """Return the certificate as a token that anybody with the issuer's public key can check."""
    return sign(
        _ERASURE.dump_python(certificate, mode="json"),
        key,
        purpose=ERASURE,
        audience=issuer,
        issuer=issuer,
        lifetime=ERASURE_LIFETIME,
        subject=str(certificate.organisation),
    )


def open_erasure(
    token: str, keys: Iterable[VerifyKey], *, issuer: str
) -> Opened[ErasureCertificate]:
    """Open a certificate of `issuer`; raises TokenError."""
    claims = open_token(token, keys, purpose=ERASURE, audience=issuer, issuer=issuer)
    return Opened(_typed(_ERASURE, claims, ERASURE), claims)


def _typed(adapter: TypeAdapter[T], claims: Claims, purpose: str) -> T:
    try:
        return adapter.validate_python(dict(claims.payload))
    except PydanticError:
        # The details may hold personal data; the signer's own tests find them.
        raise TokenError("malformed", purpose=purpose) from None
