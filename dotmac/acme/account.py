"""An account at an authority: what it can ask. Every call is one or a few requests and no more.

Nothing is kept here: the caller stores the account's address and each order's, and goes on with
them in another process.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from acme import client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.jwk import JWKEC
from requests.utils import parse_header_links

from dotmac.acme.chains import topmost_issuer
from dotmac.acme.errors import LOST, AcmeError, in_words
from dotmac.acme.network import Network, retry_after
from dotmac.acme.orders import Authorisation, Challenge, Order, authorisation_of, order_of
from dotmac.crypto.secret import Secret

TIMEOUT_S = 20.0
_GONE = ("malformed", "unauthorized")


@dataclass(frozen=True)
class Terms:
    """What an authority asks of a new account."""

    url: str
    needs_binding: bool


@dataclass(frozen=True)
class Binding:
    """What ties an account to a customer of the authority (external account binding)."""

    key_id: str
    hmac_key: Secret = field(repr=False)


class Account:
    """A key's account at the authority whose directory is at `directory_url`.

    `roots` is the PEM of an own authority's root, in place of the public ones. Every method
    raises AcmeError; close it, or use it in a `with`.
    """

    def __init__(
        self,
        directory_url: str,
        key: Secret,
        *,
        account_url: str = "",
        roots: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.directory_url = directory_url
        self._folder = tempfile.TemporaryDirectory(prefix="acme-") if roots else None
        self._key = JWKEC(key=load_pem_private_key(key.reveal().encode(), password=None))
        self._network = Network(self._key, roots=self._root_file(roots), timeout_s=timeout_s)
        self._listed: messages.Directory | None = None
        if account_url:
            self._be(account_url)

    def __enter__(self) -> "Account":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give connections and files back."""
        self._network.session.close()
        if self._folder is not None:
            self._folder.cleanup()

    def terms(self) -> Terms:
        """What the authority asks of a new account; it needs none yet."""
        with in_words(self.directory_url):
            meta = self._directory().meta
            return Terms(
                str(meta.terms_of_service or ""), bool(meta.external_account_required or False)
            )

    def register(self, *, email: str = "", binding: Binding | None = None) -> str:
        """Register the key, or find its account; its address. The terms count as accepted."""
        with in_words(self.directory_url):
            asked = messages.NewRegistration.from_data(
                email=email or None,
                terms_of_service_agreed=True,
                external_account_binding=self._bound(binding) if binding else None,
            )
            self._network.account = None
            wire = client.ClientV2(self._directory(), self._network)
            try:
                found = wire.new_account(asked).uri
            except errors.ConflictError as error:
                found = error.location
                self._be(found)
                if email:
                    self._post(found, messages.UpdateRegistration.from_data(email=email))
            self._be(found)
            return found

    def new_order(self, names: Iterable[str]) -> Order:
        """Order a certificate for names."""
        wanted = [
            messages.Identifier(typ=messages.IDENTIFIER_FQDN, value=name) for name in sorted(names)
        ]
        with in_words(self.directory_url):
            url = self._directory()["newOrder"]
            response = self._post(url, messages.NewOrder(identifiers=wanted))
            return _order(response.headers["Location"], response)

    def order(self, url: str) -> Order:
        """An order as it is now; AcmeError with code "lost" when the authority has it no more."""
        with in_words(self.directory_url), _unless_lost():
            return _order(url, self._post(url))

    def authorisations(self, order: Order) -> list[Authorisation]:
        """What is to be proved, name by name."""
        with in_words(self.directory_url):
            bodies = [
                messages.Authorization.from_json(self._post(url).json())
                for url in order.authorisations
            ]
            return [authorisation_of(body, self._key) for body in bodies]

    def answer(self, challenge: Challenge) -> None:
        """Say that what a challenge asks for is published."""
        with in_words(self.directory_url):
            self._post(challenge.url, challenge.response)

    def finalise(self, order: Order, request: bytes) -> Order:
        """Hand in the signing request (PEM) of an order that is ready."""
        signed = x509.load_pem_x509_csr(request)
        with in_words(self.directory_url):
            response = self._post(order.finalise_url, messages.CertificateRequest(csr=signed))
            return _order(order.url, response)

    def chain(self, order: Order, *, preferred: str = "") -> str:
        """The chain of an order that is valid, in PEM.

        Of several the one whose root has `preferred` in its name, or else the first.
        """
        with in_words(self.directory_url):
            response = self._post(order.certificate_url)
            if not preferred or preferred in topmost_issuer(response.text):
                return response.text
            for url in _alternates(response):
                other = self._post(url).text
                if preferred in topmost_issuer(other):
                    return other
            return response.text

    def revoke(self, chain: str, reason: int = 0) -> None:
        """Revoke a certificate of this account; `reason` as in RFC 5280, 5.3.1."""
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        asked = messages.Revocation(certificate=leaf, reason=reason)
        with in_words(self.directory_url):
            try:
                self._post(self._directory()["revokeCert"], asked)
            except messages.Error as error:
                if error.code != "alreadyRevoked":
                    raise

    def renewal_time(self, chain: str) -> datetime | None:
        """When the authority wants a certificate renewed (ARI); None where it does not say."""
        with in_words(self.directory_url):
            wire = client.ClientV2(self._directory(), self._network)
            try:
                wanted, _ask_again = wire.renewal_time(chain.encode())
            except errors.ARIError:
                return None
        return wanted if wanted is None or wanted.tzinfo else wanted.replace(tzinfo=UTC)

    def _directory(self) -> messages.Directory:
        if self._listed is None:
            self._listed = client.ClientV2.get_directory(self.directory_url, self._network)
        return self._listed

    def _post(self, url: str, asked: Any = None) -> requests.Response:
        return self._network.post(url, asked, new_nonce_url=self._directory()["newNonce"])

    def _be(self, account_url: str) -> None:
        self._network.account = messages.RegistrationResource(
            uri=account_url, body=messages.Registration()
        )

    def _bound(self, binding: Binding) -> dict[str, Any]:
        try:
            return messages.ExternalAccountBinding.from_data(
                self._key.public_key(),
                binding.key_id,
                binding.hmac_key.reveal(),
                self._directory(),
            )
        except (ValueError, TypeError) as error:
            text = "The HMAC key of the account binding is not base64url; copy it again."
            raise AcmeError(text, permanent=True) from error

    def _root_file(self, roots: str) -> Path | None:
        if self._folder is None:
            return None
        file = Path(self._folder.name) / "roots.pem"
        file.write_text(roots)
        return file


def _order(url: str, response: requests.Response) -> Order:
    return order_of(url, messages.Order.from_json(response.json()), retry_after(response))


def _alternates(response: requests.Response) -> list[str]:
    links = parse_header_links(response.headers.get("Link", ""))
    return [str(link["url"]) for link in links if link.get("rel") == "alternate"]


@contextmanager
def _unless_lost() -> Iterator[None]:
    """What authorities answer for an order that they do not have, or of another account."""
    try:
        yield
    except errors.ClientError as error:
        raise AcmeError("The authority has this order no more.", code=LOST) from error
    except messages.Error as error:
        if error.code in _GONE:
            raise AcmeError("The authority has this order no more.", code=LOST) from error
        raise
