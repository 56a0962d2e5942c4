"""Whether a domain lets an address send in its name: check_host of RFC 7208, without macros."""

import ipaddress
import re
from collections.abc import Callable

PASS, FAIL, SOFTFAIL, NEUTRAL, NONE = "pass", "fail", "softfail", "neutral", "none"
# A record that no receiver can evaluate, and one that says what is not evaluated here.
BROKEN, UNKNOWN = "permerror", "unknown"
# The records of a kind (TXT, A, AAAA or MX) at a name; NoAnswerError without an answer.
Ask = Callable[[str, str], list[str]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_QUALIFIERS = {"+": PASS, "-": FAIL, "~": SOFTFAIL, "?": NEUTRAL}
_MECHANISM = re.compile(r"([a-z0-9]+)(?::([^/]+))?(?:/(\d{1,3}))?(?://(\d{1,3}))?\Z", re.IGNORECASE)
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)\Z", re.IGNORECASE)
# RFC 7208, 4.6.4.
_MOST_LOOKUPS, _MOST_HOSTS = 10, 10


class _BrokenError(Exception):
    """The record is wrong, or asks too much."""


class _UnreadableError(Exception):
    """Macros, or a mechanism that depends on more than the address."""


def check_host(address: str, domain: str, ask: Ask) -> str:
    """What the domain says of an IP address that sends; what `ask` raises is raised on."""
    try:
        return _Walk(ipaddress.ip_address(address), ask).host(domain)
    except _BrokenError:
        return BROKEN
    except _UnreadableError:
        return UNKNOWN


def spf_records(records: list[str]) -> list[str]:
    """Those of a name's texts that speak of SPF."""
    return [row for row in records if row.lower().split(" ")[0] == "v=spf1"]


def _settled(result: str, unsure: set[str]) -> str:
    """The result, if it is the same whatever matched before."""
    return UNKNOWN if unsure - {result} else result


class _Walk:
    def __init__(self, address: _Address, ask: Ask) -> None:
        self.address, self.ask, self.left = address, ask, _MOST_LOOKUPS

    def host(self, domain: str) -> str:
        found = spf_records(self.ask("TXT", domain))
        if len(found) != 1:
            if found:
                raise _BrokenError
            return NONE
        redirect = ""
        # Results that hold where what is not evaluated here matches.
        unsure: set[str] = set()
        for term in found[0].split()[1:]:
            modifier = _MODIFIER.match(term)
            if modifier:
                redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
                continue
            result = _QUALIFIERS.get(term[0])
            try:
                is_match = self._matches(term[1:] if result else term, domain)
            except _UnreadableError:
                unsure.add(result or PASS)
                continue
            if is_match:
                return _settled(result or PASS, unsure)
        return _settled(self._redirected(redirect) if redirect else NEUTRAL, unsure)

    def _redirected(self, domain: str) -> str:
        self._count(domain)
        result = self.host(domain)
        if result == NONE:
            raise _BrokenError
        return result

    def _matches(self, mechanism: str, domain: str) -> bool:
        parsed = _MECHANISM.match(mechanism)
        if parsed is None:
            raise _UnreadableError if "%" in mechanism else _BrokenError
        name, target = parsed[1].lower(), parsed[2] or ""
        if name == "all":
            return True
        if name in ("ip4", "ip6"):
            return self._is_in(target, parsed[3])
        self._count(target)
        if name == "include":
            return self._is_included(target)
        lengths = (parsed[3], parsed[4])
        if name == "a":
            return self._is_at(target or domain, lengths)
        if name == "mx":
            hosts = self.ask("MX", target or domain)[:_MOST_HOSTS]
            return any(self._is_at(host, lengths) for host in hosts)
        if name == "exists":
            return bool(self.ask("A", target))
        raise _UnreadableError if name == "ptr" else _BrokenError

    def _is_included(self, domain: str) -> bool:
        result = self.host(domain)
        if result == NONE:
            raise _BrokenError
        if result == UNKNOWN:
            raise _UnreadableError
        return result == PASS

    def _is_at(self, host: str, lengths: tuple[str | None, str | None]) -> bool:
        is_old = self.address.version == 4
        length = lengths[0] if is_old else lengths[1]
        return any(self._is_in(one, length) for one in self.ask("A" if is_old else "AAAA", host))

    def _is_in(self, network: str, length: str | None) -> bool:
        text = f"{network}/{length}" if length else network
        try:
            return self.address in ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            raise _BrokenError from error

    def _count(self, target: str) -> None:
        """Bounds what a record may ask, and with it circles."""
        if "%" in target:
            raise _UnreadableError
        self.left -= 1
        if self.left < 0:
            raise _BrokenError
