"""What may be reached, and a connection to just the address that was looked at.

A name may be public when it is looked up and private when it is connected to (DNS rebinding), so
it is resolved once, every address is checked, and the socket goes to one of those.
"""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
# NAT64 and 6to4 carry an IPv4 address, which may be one of ours.
_NAT64 = ip_network("64:ff9b::/96")
# A name may have hundreds, each of which would be waited for.
_MOST_TRIED = 4
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")


class OutOfReachError(OSError):
    """The address is not one that may be reached, or has none."""


@dataclass(frozen=True)
class Reach:
    """Public addresses, and private networks that the operator listed."""

    networks: tuple[_Network, ...] = ()
    # A development machine's own servers are as good as any.
    everything: bool = False

    @classmethod
    def of(cls, networks: Iterable[str], *, everything: bool = False) -> "Reach":
        """From texts such as 10.20.0.0/16; ValueError for one that is no network."""
        return cls(tuple(ip_network(text) for text in networks), everything)

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to."""
        return self.everything or self.lists(address) or _is_public(ip_address(address))

    def lists(self, address: str) -> bool:
        """Whether the address lies in a network that the operator listed."""
        found = _plain(ip_address(address))
        return any(found.version == one.version and found in one for one in self.networks)


def resolve(host: str, port: int, reach: Reach) -> list[str]:
    """The addresses of a host; OutOfReachError when it has none or one of them may not be reached.

    One that is private makes the whole name suspect.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutOfReachError(f"{host} has no address.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(reach.allows(_without_zone(one)) for one in addresses):
        raise OutOfReachError(f"{host} is not a public address.")
    return addresses


def connect(host: str, port: int, reach: Reach, *, timeout_s: float) -> socket.socket:
    """A connection to a host, at an address that was checked; OSError when there is none."""
    end = time.monotonic() + timeout_s
    last: OSError = OutOfReachError(f"{host} has no address.")
    for address in resolve(host, port, reach)[:_MOST_TRIED]:
        try:
            return socket.create_connection(
                (address, port), timeout=max(0.1, end - time.monotonic())
            )
        except OSError as error:
            last = error
    raise last


def _is_public(address: _Address) -> bool:
    plain = _plain(address)
    if isinstance(plain, IPv6Address) and plain.is_site_local:
        return False
    return plain.is_global and not plain.is_multicast and not plain.is_reserved


def _plain(address: _Address) -> _Address:
    """The IPv4 address inside an IPv6 one, if there is one."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or address in _NAT64_LOCAL:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _without_zone(address: str) -> str:
    return address.partition("%")[0]
