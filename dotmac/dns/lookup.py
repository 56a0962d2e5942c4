"""What the servers of a zone say, asked directly: no resolver's memory is in the way."""

import time
from collections.abc import Callable, Iterable

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.resolver
from dns.rdtypes.txtbase import TXTBase

from dotmac.dns.base import DnsError, parents
from dotmac.dns.rfc2136 import FAULTS, address_of

_TIMEOUT_S = 5.0
_EVERY_S = 1.0


def txt_of(name: str, servers: Iterable[str]) -> dict[str, list[str]]:
    """The TXT records of a name, by server; `servers` are addresses or names, with or without port.

    DnsError when one cannot be asked.
    """
    return {server: _ask(name, server) for server in servers}


def is_visible(name: str, value: str, servers: Iterable[str]) -> bool:
    """Whether every server that can be asked has the value."""
    return all(value in found for found in txt_of(name, servers).values())


def wait_until_visible(
    name: str,
    value: str,
    servers: Iterable[str],
    *,
    seconds: float,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Wait until all servers of a zone have a record; DnsError, with what they have, otherwise.

    Without `servers` those of the zone are asked, where a resolver names them.
    """
    servers = list(servers) or nameservers_of(name)
    end = time.monotonic() + seconds
    while True:
        meanwhile()
        found = txt_of(name, servers)
        lacking = [server for server, values in found.items() if value not in values]
        if not lacking:
            return
        if time.monotonic() > end:
            has = ", ".join(found[lacking[0]]) or "no TXT record"
            raise DnsError(f"{name} is not seen at {lacking[0]}, which has {has}.")
        time.sleep(_EVERY_S)


def nameservers_of(name: str) -> list[str]:
    """The servers of the zone that a name lies in; none where no resolver knows of it."""
    for zone in parents(name):
        try:
            answer = dns.resolver.resolve(zone, "NS", lifetime=_TIMEOUT_S)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
        except dns.exception.DNSException:
            return []
        return [str(one.target).rstrip(".") for one in answer]
    return []


def _ask(name: str, server: str) -> list[str]:
    host, port = split(server)
    try:
        query = dns.message.make_query(name, dns.rdatatype.TXT)
        answer, _by_tcp = dns.query.udp_with_fallback(
            query, address_of(host), timeout=_TIMEOUT_S, port=port
        )
    except FAULTS as error:
        raise DnsError(f"The DNS server {server} did not say what {name} is.") from error
    return [
        b"".join(record.strings).decode("utf-8", "replace")
        for rrset in answer.answer
        if rrset.rdtype == dns.rdatatype.TXT
        for record in rrset
        if isinstance(record, TXTBase)
    ]


def split(server: str) -> tuple[str, int]:
    """Host and port of a server's text; an IPv6 address with a port stands in brackets."""
    if server.startswith("["):
        host, _bracket, port = server[1:].partition("]")
        return host, int(port.removeprefix(":") or 53)
    if server.count(":") == 1:
        host, _colon, port = server.partition(":")
        return host, int(port)
    return server, 53
