"""Dynamic updates (RFC 2136), signed with a shared key (TSIG): BIND, Knot, PowerDNS and others."""

import base64
from dataclasses import dataclass, field

import dns.exception
import dns.inet
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
from dns.resolver import Resolver

from dotmac.crypto.secret import Secret
from dotmac.dns.base import TTL_S, DnsError, parents

ALGORITHMS = ("hmac-sha256", "hmac-sha512", "hmac-sha384", "hmac-sha224", "hmac-sha1")
# The last one where something else than a DNS server hangs up.
FAULTS = (dns.exception.DNSException, OSError, ValueError, EOFError)
_REASONS = {
    dns.rcode.REFUSED: "it does not allow this key to change this zone",
    dns.rcode.NOTAUTH: "the key's name, secret or algorithm is not the one that it knows, or it "
    "does not hold this zone",
    dns.rcode.NOTZONE: "the name lies in no zone of its own",
    dns.rcode.SERVFAIL: "it failed itself; its log says why",
}


@dataclass(frozen=True)
class Rfc2136:
    """A server that takes updates of its zones."""

    server: str
    key_name: str
    key_secret: Secret = field(repr=False)
    algorithm: str = ALGORITHMS[0]
    port: int = 53
    timeout_s: float = 10.0

    def add_txt(self, name: str, value: str) -> None:
        """Have a TXT record of this value beside others of the name."""
        self._change(name, value, is_there=True)

    def remove_txt(self, name: str, value: str) -> None:
        """Have it no more; others of the name stay."""
        self._change(name, value, is_there=False)

    def _change(self, name: str, value: str, *, is_there: bool) -> None:
        zone = self._zone_of(name)
        try:
            change = dns.update.UpdateMessage(
                zone, keyring=self._keyring(), keyalgorithm=dns.name.from_text(self.algorithm)
            )
            absolute = dns.name.from_text(name)
            if is_there:
                change.add(absolute, TTL_S, "TXT", f'"{value}"')
            else:
                change.delete(absolute, "TXT", f'"{value}"')
            answer = self._ask(change)
        except FAULTS as error:
            raise self._error(error) from error
        if answer.rcode() != dns.rcode.NOERROR:
            raise DnsError(self._refusal(name, answer.rcode()))

    def _zone_of(self, name: str) -> str:
        """The zone that a name lies in: the nearest name above it that has an SOA at the server."""
        for zone in parents(name):
            try:
                answer = self._ask(dns.message.make_query(zone, dns.rdatatype.SOA))
            except FAULTS as error:
                raise self._error(error) from error
            own = dns.name.from_text(zone)
            if any(one.rdtype == dns.rdatatype.SOA and one.name == own for one in answer.answer):
                return zone
        raise DnsError(f"{self.server} holds no zone that {name} lies in.", permanent=True)

    def _ask(self, message: dns.message.Message) -> dns.message.Message:
        """Over TCP: an update is not repeated by a lost packet, and its sender is who it says."""
        where = address_of(self.server)
        return dns.query.tcp(message, where, timeout=self.timeout_s, port=self.port)

    def _keyring(self) -> dict[dns.name.Name, dns.tsig.Key]:
        try:
            # The library takes anything, leaving out what is no base64.
            base64.b64decode(self.key_secret.reveal(), validate=True)
            known = dns.tsigkeyring.from_text(
                {self.key_name: (self.algorithm, self.key_secret.reveal())}
            )
        except (ValueError, dns.exception.DNSException):
            # Without its cause, which may repeat the secret.
            text = "The secret of the DNS key is not base64; copy it again."
            raise DnsError(text, permanent=True) from None
        return dict(known)

    def _refusal(self, name: str, code: dns.rcode.Rcode) -> str:
        said = dns.rcode.to_text(code)
        reason = _REASONS.get(code, "it says no more")
        return f"{self.server} refused to change {name} ({said}): {reason}."

    def _error(self, error: Exception) -> DnsError:
        # Whoever does not know the key answers without a signature.
        if isinstance(error, dns.tsig.PeerError | dns.tsig.BadSignature | dns.exception.FormError):
            text = (
                f"{self.server} did not take the signature: the key's name, secret or algorithm "
                "is not the one that it knows, or its clock differs from ours."
            )
            return DnsError(text)
        if isinstance(error, DnsError):
            return error
        if isinstance(error, dns.exception.Timeout | TimeoutError):
            return DnsError(f"The DNS server {self.server} did not answer in time.")
        return DnsError(f"The DNS server {self.server} cannot be reached.")


def address_of(server: str) -> str:
    """The address of a server that may be given by name; DnsError when it has none."""
    if dns.inet.is_address(server):
        return server
    try:
        found = Resolver().resolve_name(server, lifetime=5)
    except dns.exception.DNSException as error:
        raise DnsError(f"The DNS server {server} has no address.") from error
    return next(iter(found.addresses()))
