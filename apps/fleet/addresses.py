"""Which addresses the networks of an instance have on its server.

A server's range begins at `<address_prefix>.0.0` and holds SLOTS pairs of networks: /28 in front,
where the edge reaches the app, and /28 behind it for the database. With 4,096 slots the range ends
131,072 addresses on: "10.201" covers 10.201.0.0 to 10.202.255.255.
"""

from ipaddress import IPv4Address, IPv4Network, ip_network, summarize_address_range

from apps.fleet.models import Placement
from dotmac.engine import Engine

SLOTS = 4096
# Where ranges may begin; each takes two of these numbers.
_BEGINNINGS = range(201, 255, 2)
_PREFIX_LENGTH = 28
_SUBNET_SIZE = 2 ** (32 - _PREFIX_LENGTH)


def subnets(placement: Placement) -> tuple[str, str]:
    """The front and the back subnet of a placement; ValueError on the platform itself."""
    if placement.server is None or placement.slot is None:
        raise ValueError(f"{placement} has no networks of its own.")
    start = IPv4Address(f"{placement.server.address_prefix}.0.0")
    front = start + 2 * _SUBNET_SIZE * placement.slot
    return f"{front}/{_PREFIX_LENGTH}", f"{front + _SUBNET_SIZE}/{_PREFIX_LENGTH}"


def free_prefix(engine: Engine) -> str:
    """The first range that no network of an engine lies in; the very first when all are taken.

    Another platform on the same engine has its own range this way.
    """
    taken = [ip_network(one.subnet) for one in engine.networks({}) if one.subnet]
    for second in _BEGINNINGS:
        if not any(net.overlaps(part) for net in taken for part in _range(second)):
            return f"10.{second}"
    return f"10.{_BEGINNINGS[0]}"


def _range(second: int) -> list[IPv4Network]:
    first, last = IPv4Address(f"10.{second}.0.0"), IPv4Address(f"10.{second + 1}.255.255")
    return list(summarize_address_range(first, last))
