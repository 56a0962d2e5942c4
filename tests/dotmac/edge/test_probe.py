"""A probe names its host and says what it found."""

import socket
from pathlib import Path

import pytest

from dotmac.edge import EdgeError, Route, Upstream
from dotmac.edge.fake import FakeEdge
from dotmac.edge.probe import probe, wait_until_routed


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_an_edge_that_is_down_is_a_result_and_no_exception() -> None:
    result = probe(("127.0.0.1", _closed_port()), "acme.apps.localhost")
    assert (result.status, result.ok) == (None, False)
    assert "refused" in result.error


def test_an_edge_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = probe(silent.getsockname(), "acme.apps.localhost", timeout_s=0.1)
    assert "timed out" in result.error


def test_a_ca_file_that_is_missing_is_a_result_and_no_exception(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = probe(server.getsockname(), "acme.apps.localhost", tls=tmp_path / "none.crt")
    assert "none.crt" in result.error


def test_waiting_ends_at_the_deadline_with_the_last_reason() -> None:
    with pytest.raises(
        EdgeError, match=r"acme\.apps\.localhost does not answer.*refused"
    ) as caught:
        wait_until_routed(("127.0.0.1", _closed_port()), "acme.apps.localhost", deadline_s=0.1)
    assert not caught.value.permanent


def test_the_fake_edge_tells_changes_from_repetitions_and_fails_when_told() -> None:
    edge = FakeEdge()
    route = Route("acme.apps.localhost", (Upstream("http://10.0.0.2:8000"),))
    edge.fail()
    with pytest.raises(EdgeError):
        edge.apply([route], [])
    assert edge.apply([route], [])
    assert not edge.apply([route], [])
    assert edge.status(route.hostname) == 200
    assert edge.status("nobody.apps.localhost") == 404
    assert edge.apply([Route(route.hostname, route.upstreams, notice="suspended")], [])
    assert edge.status(route.hostname) == 503
