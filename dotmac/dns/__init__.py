"""TXT records at a zone's own server, which prove to an authority that a domain is ours."""

from dotmac.dns.base import DnsError, Provider
from dotmac.dns.lookup import is_visible, txt_of, wait_until_visible
from dotmac.dns.powerdns import PowerDns
from dotmac.dns.rfc2136 import ALGORITHMS, Rfc2136

__all__ = [
    "ALGORITHMS",
    "DnsError",
    "PowerDns",
    "Provider",
    "Rfc2136",
    "is_visible",
    "txt_of",
    "wait_until_visible",
]
