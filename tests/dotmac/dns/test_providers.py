"""Both ways to a real PowerDNS: what they write, what they leave, and what they say of refusals."""

from collections.abc import Iterator

import pytest

from dotmac.crypto.secret import Secret
from dotmac.dns import DnsError, Provider, is_visible, wait_until_visible
from dotmac.dns.lookup import split
from tests.dotmac.dns.server import DnsServer, running

NAME = "_acme-challenge.dotmac.localhost"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsServer]:
    with running(tmp_path_factory.mktemp("dns")) as made:
        yield made


@pytest.fixture(params=["updates", "api"])
def provider(request: pytest.FixtureRequest, server: DnsServer) -> Provider:
    return server.by_updates() if request.param == "updates" else server.by_api()


def test_two_values_of_one_name_stand_beside_each_other(
    provider: Provider, server: DnsServer
) -> None:
    provider.add_txt(NAME, "one")
    provider.add_txt(NAME, "two")
    provider.add_txt(NAME, "two")
    assert server.txt(NAME) == ["one", "two"]
    provider.remove_txt(NAME, "one")
    assert server.txt(NAME) == ["two"]
    provider.remove_txt(NAME, "two")
    provider.remove_txt(NAME, "two")
    assert server.txt(NAME) == []


def test_the_nearest_zone_above_a_name_is_changed(provider: Provider, server: DnsServer) -> None:
    deep = "_acme-challenge.a.b.apps.localhost"
    provider.add_txt(deep, "deep")
    assert server.txt(deep) == ["deep"]
    provider.remove_txt(deep, "deep")


def test_a_name_of_no_zone_is_a_mistake_for_good(provider: Provider) -> None:
    with pytest.raises(DnsError, match=r"zone that _acme-challenge\.elsewhere\.example") as caught:
        provider.add_txt("_acme-challenge.elsewhere.example", "x")
    assert caught.value.permanent


def test_a_wrong_key_is_told_as_such_and_not_repeated(server: DnsServer) -> None:
    wrong = Secret("d3Jvbmctd3Jvbmctd3Jvbmctd3Jvbmc=")
    for way in (server.by_updates(key_secret=wrong), server.by_api(api_key=wrong)):
        with pytest.raises(DnsError, match="key") as caught:
            way.add_txt(NAME, "x")
        assert wrong.reveal() not in str(caught.value)
        assert wrong.reveal() not in repr(way)
    with pytest.raises(DnsError, match="not base64"):
        server.by_updates(key_secret=Secret("?!")).add_txt(NAME, "x")
    assert server.txt(NAME) == []


def test_a_server_that_is_away_may_come_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("dns")) as server:
        ways = [server.by_updates(), server.by_api()]
        server.stop()
        for way in ways:
            with pytest.raises(DnsError, match="cannot be reached") as caught:
                way.add_txt(NAME, "x")
            assert not caught.value.permanent
        server.start()
        for way in ways:
            way.add_txt(NAME, "x")
        assert server.txt(NAME) == ["x"]


def test_what_a_server_lacks_is_waited_for_and_then_said(server: DnsServer) -> None:
    provider = server.by_updates()
    provider.add_txt(NAME, "here")
    wait_until_visible(NAME, "here", [server.address], seconds=0)
    assert is_visible(NAME, "here", [server.address])
    with pytest.raises(DnsError, match="which has here"):
        wait_until_visible(NAME, "not here", [server.address], seconds=0)
    provider.remove_txt(NAME, "here")
    with pytest.raises(DnsError, match="which has no TXT record"):
        wait_until_visible(NAME, "here", [server.address], seconds=0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ns.example", ("ns.example", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:54", ("2001:db8::1", 54)),
    ],
)
def test_a_server_is_read_with_and_without_port(text: str, found: tuple[str, int]) -> None:
    assert split(text) == found
