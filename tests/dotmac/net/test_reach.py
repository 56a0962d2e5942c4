"""Addresses that customers enter lead to public places only, at the address that was checked."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from dotmac.net import OutOfReachError, Reach, connect
from dotmac.net.reach import resolve

PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.5.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_out_of_reach(address: str) -> None:
    assert not Reach().allows(address)
    assert Reach(everything=True).allows(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_what_is_public_is_reached(address: str) -> None:
    assert Reach().allows(address)


def test_the_operator_lists_networks_of_their_own() -> None:
    reach = Reach.of(["10.20.0.0/16", "fd00:1::/32"])
    assert reach.allows("10.20.3.4")
    assert reach.allows("::ffff:10.20.3.4")
    assert reach.allows("fd00:1::7")
    assert not reach.allows("10.21.0.1")
    with pytest.raises(ValueError, match="10.20"):
        Reach.of(["10.20.0.0/8"])


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`names("10.0.0.1", ...)`: what each look-up of a name answers, one after the other."""

    def answer(*turns: str) -> None:
        left = list(turns)

        def look_up(_host: str, port: int, **_rest: Any) -> list[Any]:
            found = left.pop(0).split()
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        monkeypatch.setattr("dotmac.net.reach.socket.getaddrinfo", look_up)

    return answer


def test_one_private_address_among_public_ones_refuses_the_name(
    names: Callable[..., None],
) -> None:
    names("8.8.8.8 10.0.0.1")
    with pytest.raises(OutOfReachError):
        resolve("both.example", 443, Reach())


def test_a_name_that_changes_its_address_after_the_look_up_gains_nothing(
    names: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the second look-up would answer with the inside."""
    reached: list[Any] = []

    def note(address: tuple[str, int], **_rest: Any) -> str:
        reached.append(address)
        return "socket"

    monkeypatch.setattr("dotmac.net.reach.socket.create_connection", note)
    names("8.8.8.8", "127.0.0.1")
    connect("rebinding.example", 443, Reach(), timeout_s=1)
    assert reached == [("8.8.8.8", 443)]


def test_a_name_without_an_address_is_said_to_have_none() -> None:
    with pytest.raises(OutOfReachError, match="no address"):
        resolve("no-such-name.invalid", 443, Reach())


def test_writings_of_local_addresses_do_not_get_through() -> None:
    for host in ("localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"):
        with pytest.raises(OutOfReachError):
            resolve(host, 80, Reach())
