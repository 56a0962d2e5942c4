"""Whether a domain lets an address send: RFC 7208 on a zone in memory."""

import pytest

from apps.branding.domains import BAD, OK, WARN, check_domain
from apps.branding.spf import BROKEN, FAIL, NEUTRAL, NONE, PASS, SOFTFAIL, UNKNOWN, check_host

ZONE = {
    "TXT own.example": ["v=spf1 ip4:192.0.2.0/28 ip6:2001:db8::/32 -all", "other"],
    "TXT open.example": ["v=spf1 ip4:192.0.2.10"],
    "TXT soft.example": ["v=spf1 a:mail.soft.example/31 mx ~all"],
    "A mail.soft.example": ["192.0.2.10"],
    "MX soft.example": ["mx.soft.example"],
    "AAAA mx.soft.example": ["2001:db8::1"],
    "TXT with.example": ["v=spf1 include:own.example ?all"],
    "TXT sent.example": ["v=spf1 redirect=own.example"],
    "TXT lost.example": ["v=spf1 include:none.example -all"],
    "TXT round.example": ["v=spf1 include:round.example -all"],
    "TXT twice.example": ["v=spf1 -all", "v=spf1 ~all"],
    "TXT macro.example": ["v=spf1 exists:%{i}.sp.example -all"],
    "TXT ptr.example": ["v=spf1 ptr ip4:192.0.2.10 ?ip4:192.0.2.11 -all"],
    "TXT by.example": ["v=spf1 include:macro.example ip4:192.0.2.10 ~all"],
    "TXT led.example": ["v=spf1 redirect=%{d}.sp.example"],
    "TXT wrong.example": ["v=spf1 ip4:192.0.2.300 -all"],
}


def ask(kind: str, name: str) -> list[str]:
    return ZONE.get(f"{kind} {name}", [])


@pytest.mark.parametrize(
    ("domain", "address", "result"),
    [
        ("own.example", "192.0.2.10", PASS),
        ("own.example", "192.0.2.16", FAIL),
        ("own.example", "2001:db8::7", PASS),
        ("open.example", "192.0.2.11", NEUTRAL),
        ("soft.example", "192.0.2.11", PASS),
        ("soft.example", "192.0.2.12", SOFTFAIL),
        ("soft.example", "2001:db8::1", PASS),
        ("with.example", "192.0.2.10", PASS),
        ("with.example", "192.0.2.99", NEUTRAL),
        ("sent.example", "192.0.2.99", FAIL),
        ("none.example", "192.0.2.10", NONE),
        ("lost.example", "192.0.2.10", BROKEN),
        ("round.example", "192.0.2.10", BROKEN),
        ("twice.example", "192.0.2.10", BROKEN),
        ("wrong.example", "192.0.2.10", BROKEN),
        ("macro.example", "192.0.2.10", UNKNOWN),
        # Whether ptr matches or not, what comes behind it says the same.
        ("ptr.example", "192.0.2.10", PASS),
        ("ptr.example", "192.0.2.11", UNKNOWN),
        ("ptr.example", "192.0.2.12", UNKNOWN),
        ("by.example", "192.0.2.10", PASS),
        ("by.example", "192.0.2.12", UNKNOWN),
        ("led.example", "192.0.2.10", UNKNOWN),
    ],
)
def test_what_a_domain_says_of_an_address(domain: str, address: str, result: str) -> None:
    assert check_host(address, domain, ask) == result


def test_spf_is_judged_by_the_addresses_that_send() -> None:
    def spf(domain: str, *addresses: str) -> tuple[str, str]:
        check = check_domain(domain, addresses=addresses, ask=ask)[0]
        return check.tone, check.text

    assert spf("own.example")[0] == OK
    tone, text = spf("own.example", "192.0.2.10", "198.51.100.7")
    assert (tone, "Add it, as ip4:198.51.100.7" in text) == (BAD, True)
    assert "names all the addresses" in spf("own.example", "192.0.2.10", "2001:db8::1")[1]
    assert "over ten look-ups" in spf("round.example", "192.0.2.10")[1]
    # What cannot be evaluated here is judged by its end alone.
    tone, text = spf("macro.example", "192.0.2.10")
    assert (tone, "cannot be judged here" in text) == (OK, True)
    tone, text = spf("ptr.example", "192.0.2.10", "192.0.2.12")
    assert (tone, "Whether it names 192.0.2.12 depends" in text) == (OK, True)
    assert spf("open.example", "192.0.2.10")[0] == WARN
