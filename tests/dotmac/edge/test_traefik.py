"""The real Traefik, told its routes by TraefikEdge, asked as a browser would ask."""

import http.client
import json
import socket
import threading
import time

import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from dev.ports import free_port
from dotmac.edge import EdgeError, Route, Upstream
from dotmac.edge.probe import ProbeResult, wait_until_routed
from dotmac.edge.traefik import ROUTES_FILE
from tests.dotmac.edge.kit import ACME, DEADLINE_S, Sites, Traefik


def test_a_route_appears_over_https_with_its_certificate(traefik: Traefik, sites: Sites) -> None:
    assert traefik.apply(Route(ACME, (Upstream(sites.start("web").url),)))
    result = traefik.wait(ACME, header=("X-Upstream", "web"))
    assert result.status == 200


def test_the_same_routes_again_are_not_written(traefik: Traefik, sites: Sites) -> None:
    route = Route(ACME, (Upstream(sites.start("web").url),))
    assert traefik.apply(route)
    assert not traefik.apply(route)


def test_a_renewed_certificate_is_taken_up(traefik: Traefik) -> None:
    written = (traefik.directory / ROUTES_FILE).stat().st_mtime_ns
    renewed = traefik.certificate.cert_path
    content = renewed.read_bytes()
    while renewed.stat().st_mtime_ns <= written:
        renewed.write_bytes(content)
    assert traefik.apply()
    assert not traefik.apply()


def test_plain_http_leads_to_https(traefik: Traefik, sites: Sites) -> None:
    traefik.apply(Route(ACME, (Upstream(sites.start("web").url),)))
    traefik.wait(ACME, header=("X-Upstream", "web"))
    result = traefik.get(ACME, "/login/?next=/a", https=False)
    assert result.status in (302, 307)
    assert result.headers["location"] == f"https://{ACME}:{traefik.https}/login/?next=/a"


def test_browsers_are_kept_to_https_by_answers_and_errors(traefik: Traefik, sites: Sites) -> None:
    closed = f"http://127.0.0.1:{free_port()}"
    away = "away.apps.localhost"
    traefik.apply(
        Route(ACME, (Upstream(sites.start("web").url),)), Route(away, (Upstream(closed),))
    )
    traefik.wait(ACME, header=("X-Upstream", "web"))
    for status, host in ((200, ACME), (502, away)):
        answer = traefik.get(host)
        assert answer.status == status
        assert answer.headers["strict-transport-security"] == "max-age=3600"
    plain = traefik.get(ACME, https=False)
    assert "strict-transport-security" not in plain.headers


@pytest.mark.parametrize(("path", "encoding"), [("/a.css", "gzip"), ("/api/", None)])
def test_a_style_sheet_is_compressed_and_what_may_hold_secrets_is_not(
    traefik: Traefik, sites: Sites, path: str, encoding: str | None
) -> None:
    traefik.apply(Route(ACME, (Upstream(sites.start("web").url),), tls=False))
    address = ("127.0.0.1", traefik.http)
    wait_until_routed(address, ACME, "/", header=("X-Upstream", "web"), deadline_s=DEADLINE_S)
    connection = http.client.HTTPConnection(*address, timeout=5)
    headers = {"Host": ACME, "Accept-Encoding": "gzip", "X-Filler": "a" * 4000}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.getheader("Content-Encoding") == encoding
    assert (len(body) > 4000) is (encoding is None)


def test_a_switch_of_upstreams_fails_no_request(traefik: Traefik, sites: Sites) -> None:
    blue, green = sites.start("blue"), sites.start("green")
    traefik.apply(Route(ACME, (Upstream(blue.url),)))
    traefik.wait(ACME, header=("X-Upstream", "blue"))
    results: list[ProbeResult] = []
    is_over = threading.Event()

    def browse() -> None:
        while not is_over.is_set():
            results.append(traefik.get(ACME))

    browsers = [threading.Thread(target=browse) for _ in range(3)]
    for browser in browsers:
        browser.start()
    for site in (green, blue, green):
        traefik.apply(Route(ACME, (Upstream(site.url),)))
        traefik.wait(ACME, header=("X-Upstream", site.label))
    is_over.set()
    for browser in browsers:
        browser.join(10)
    assert {result.headers.get("x-upstream") for result in results} == {"blue", "green"}
    assert [result for result in results if not result.ok] == []


def test_weights_share_the_requests(traefik: Traefik, sites: Sites) -> None:
    stable, canary = sites.start("stable"), sites.start("canary")
    traefik.apply(Route(ACME, (Upstream(stable.url, 3), Upstream(canary.url, 1))))
    traefik.wait(ACME, header=("X-Upstream", "canary"))
    seen = [traefik.get(ACME).headers["x-upstream"] for _ in range(20)]
    assert seen.count("stable") > seen.count("canary") > 0


def test_a_removed_route_leads_to_the_platform_s_page(traefik: Traefik, sites: Sites) -> None:
    traefik.apply(Route(ACME, (Upstream(sites.start("web").url),)))
    traefik.wait(ACME, header=("X-Upstream", "web"))
    traefik.apply()
    traefik.wait(ACME, header=("X-Upstream", "platform"))


def test_a_host_below_the_apps_domain_that_nobody_has_gets_the_platform_s_page(
    traefik: Traefik,
) -> None:
    assert traefik.get("nobody.apps.localhost").headers["x-upstream"] == "platform"
    assert traefik.get("nobody.apps.localhost", https=False).headers["x-upstream"] == "platform"
    assert traefik.get("nobody.example.net", https=False).status == 404


def test_the_platform_s_own_addresses_lead_to_it(traefik: Traefik) -> None:
    for hostname in ("dotmac.localhost", "acme.dotmac.localhost"):
        assert traefik.read(hostname)["headers"]["Host"] == hostname
    result = traefik.get("localhost", "/plans/?a=1", https=False)
    assert result.headers["location"] == f"http://dotmac.localhost:{traefik.http}/plans/?a=1"


def test_a_suspended_site_answers_with_the_platform_s_notice_under_its_own_name(
    traefik: Traefik, sites: Sites
) -> None:
    upstreams = (Upstream(sites.start("web").url),)
    traefik.apply(Route(ACME, upstreams, tls=False))
    _wait_for_path(traefik, "/login/")
    traefik.apply(Route(ACME, upstreams, tls=False, notice="suspended"))
    _wait_for_path(traefik, "/_edge/notice/suspended/")
    assert traefik.read(ACME, "/login/")["headers"]["Host"] == ACME
    traefik.apply(Route(ACME, upstreams, tls=False))
    _wait_for_path(traefik, "/login/")


def _wait_for_path(traefik: Traefik, path: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while traefik.read(ACME, "/login/")["path"] != path:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_certificate_authority_s_challenge_reaches_the_platform_from_any_host(
    traefik: Traefik, sites: Sites
) -> None:
    traefik.apply(Route(ACME, (Upstream(sites.start("web").url),)))
    traefik.wait(ACME, header=("X-Upstream", "web"))
    path = "/.well-known/acme-challenge/token"
    for hostname in (ACME, "new.example.net"):
        assert traefik.read(hostname, path)["path"] == path


def test_an_upstream_learns_who_asked_and_a_client_cannot_say_so_itself(
    traefik: Traefik, sites: Sites
) -> None:
    traefik.apply(Route(ACME, (Upstream(sites.start("web").url),), tls=False))
    _wait_for_path(traefik, "/login/")
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    headers = traefik.read(ACME, **forged)["headers"]
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Host"] == ACME


def test_a_moved_site_leads_to_its_new_address(traefik: Traefik) -> None:
    target = "https://new.apps.localhost:8443"
    traefik.apply(Route(ACME, redirect_to=target))
    result = traefik.wait(ACME, "/a?b=c", expect=(302, 307))
    assert result.headers["location"] == f"{target}/a?b=c"


def test_a_half_written_file_is_never_in_its_place(
    traefik: Traefik, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = sites.start("web")
    traefik.apply(Route(ACME, (Upstream(web.url),)))
    traefik.wait(ACME, header=("X-Upstream", "web"))
    before = (traefik.directory / ROUTES_FILE).read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        with pytest.raises(EdgeError, match="No space left on device") as caught:
            traefik.apply()
    assert not caught.value.permanent
    assert (traefik.directory / ROUTES_FILE).read_bytes() == before
    assert [path.name for path in traefik.directory.rglob("*") if path.is_file()] == [ROUTES_FILE]
    assert traefik.get(ACME).headers["x-upstream"] == "web"


def test_every_reader_sees_a_whole_file_while_it_is_replaced(
    traefik: Traefik, sites: Sites
) -> None:
    url = sites.start("web").url
    is_over = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not is_over.is_set():
            config = json.loads((traefik.directory / ROUTES_FILE).read_text())
            seen.append(len(config["http"]["routers"]))

    reader = threading.Thread(target=read)
    reader.start()
    for count in range(1, 60):
        traefik.apply(*(Route(f"site{n}.apps.localhost", (Upstream(url),)) for n in range(count)))
    is_over.set()
    reader.join(10)
    assert len(set(seen)) > 1


def test_routes_survive_a_restart_of_traefik(traefik: Traefik, sites: Sites) -> None:
    traefik.apply(Route(ACME, (Upstream(sites.start("web").url),)))
    traefik.wait(ACME, header=("X-Upstream", "web"))
    traefik.stop()
    assert traefik.get(ACME).status is None
    traefik.start()
    traefik.wait(ACME, header=("X-Upstream", "web"))


def _echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


def test_a_websocket_passes_and_outlives_a_change_of_other_routes(
    traefik: Traefik, sites: Sites
) -> None:
    with serve(_echo, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        route = Route(ACME, (Upstream(url),), tls=False)
        traefik.apply(route)
        wait_until_routed(
            ("127.0.0.1", traefik.http), ACME, deadline_s=DEADLINE_S, expect=(400, 426)
        )
        plain = socket.create_connection(("127.0.0.1", traefik.http), timeout=5)
        with connect(f"ws://{ACME}:{traefik.http}/", sock=plain) as client:
            client.send("before")
            assert client.recv(5) == "before"
            traefik.apply(route, Route("b.apps.localhost", (Upstream(sites.start("b").url),)))
            traefik.wait("b.apps.localhost", header=("X-Upstream", "b"))
            client.send("after")
            assert client.recv(5) == "after"
        server.shutdown()


def test_every_request_is_a_line_of_json_without_its_headers(traefik: Traefik) -> None:
    traefik.read("dotmac.localhost", "/hello/", Cookie="session=secret")
    traefik.stop()
    log = (traefik.folder / "access.json").read_text()
    traefik.start()
    lines = [json.loads(line) for line in log.splitlines()]
    assert "secret" not in log
    assert all(line["RequestHost"] for line in lines)
