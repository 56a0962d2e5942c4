"""Keys, requests and the chains that come back for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from acme.crypto_util import make_csr
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from dotmac.acme.errors import AcmeError
from dotmac.crypto.secret import Secret


@dataclass(frozen=True)
class Facts:
    """What a chain says of itself."""

    names: tuple[str, ...]
    issuer: str
    serial: str
    starts_at: datetime
    ends_at: datetime
    fingerprint: str


def new_key() -> Secret:
    """A new private key (ECDSA P-256) in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Secret(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    )


def request_for(names: Iterable[str], key: Secret) -> bytes:
    """The signing request for names, in PEM."""
    return make_csr(key.reveal().encode(), list(names))


def read_chain(chain: str) -> Facts:
    """What the first certificate of a chain says; AcmeError when it is none."""
    leaf = _certificates(chain)[0]
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = found.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    return Facts(
        tuple(names),
        name_of(leaf.issuer),
        f"{leaf.serial_number:x}",
        leaf.not_valid_before_utc,
        leaf.not_valid_after_utc,
        leaf.fingerprint(hashes.SHA256()).hex(),
    )


def check_chain(chain: str, key: Secret, names: Iterable[str]) -> Facts:
    """What a chain says, if it is for this key and these names and each link signs the one before.

    AcmeError otherwise: such a chain is not served.
    """
    links = _certificates(chain)
    private = load_pem_private_key(key.reveal().encode(), password=None)
    if links[0].public_key() != private.public_key():
        raise AcmeError("The certificate that came back is for another key; it is not served.")
    facts = read_chain(chain)
    missing = sorted(set(names) - set(facts.names))
    if missing:
        text = f"The certificate that came back lacks {', '.join(missing)}; it is not served."
        raise AcmeError(text)
    for lower, upper in pairwise(links):
        try:
            lower.verify_directly_issued_by(upper)
        except (InvalidSignature, ValueError, TypeError) as error:
            text = (
                f"In the chain that came back, {name_of(upper.subject)} did not sign what it "
                "stands for; it is not served."
            )
            raise AcmeError(text) from error
    return facts


def renewal_of(facts: Facts) -> datetime:
    """When two thirds of its life are over."""
    life: timedelta = facts.ends_at - facts.starts_at
    return facts.starts_at + life * 2 / 3


def topmost_issuer(chain: str) -> str:
    """Who signed the last certificate of a chain: the root that clients must know."""
    return name_of(_certificates(chain)[-1].issuer)


def name_of(name: x509.Name) -> str:
    """A name's common name, or all of it where it has none."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _certificates(chain: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(chain.encode())
    except ValueError as error:
        raise AcmeError("What came back is no certificate.") from error
