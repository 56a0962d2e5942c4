"""What every host answers: health, policy, notices, and strangers' names."""

import re

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from tests.conftest import Isp
from tests.pages.conftest import OPERATOR_HOST, browser

PAGES = [
    (OPERATOR_HOST, "/"),
    (OPERATOR_HOST, "/accounts/login/"),
    (OPERATOR_HOST, "/signup/"),
    (OPERATOR_HOST, "/nothing-here/"),
    ("acme.apps.localhost", "/accounts/login/"),
    ("acme.apps.localhost", "/nothing-here/"),
    ("acme.dotmac.localhost", "/nothing-here/"),
    ("acme.dotmac.localhost", "/api/docs/"),
    ("acme.dotmac.localhost", "/api/v1/instances/"),
]


@pytest.mark.parametrize(("host", "path"), PAGES)
def test_the_content_policy_is_strict_outside_the_admin(
    platform: None, host: str, path: str
) -> None:
    page = browser(host).get(path, follow=True)
    policy = page["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    text = page.content.decode()
    assert not re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", text)
    assert not re.findall(r"<[^>]+\s(?:on[a-z]+|style)=", text)


def test_the_admin_s_theme_gets_what_it_needs(alice: Client) -> None:
    policy = alice.get("/admin/")["content-security-policy"]
    assert "script-src 'self' 'unsafe-eval' 'unsafe-inline'" in policy
    assert "default-src 'self'" in policy


@pytest.mark.parametrize("host", ["203.0.113.7", "nobody.example", OPERATOR_HOST])
def test_a_probe_is_answered_whatever_the_host(db: None, host: str) -> None:
    for path in ("/healthz", "/readyz"):
        answer = browser(host).get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_it_is_not_ready_without_its_database(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise DatabaseError("the connection is closed")

    probe = Client(headers={"host": "203.0.113.7"})
    with monkeypatch.context() as patched:
        patched.setattr(connection, "set_schema_to_public", away)
        patched.setattr(connection, "close", lambda: None)
        assert probe.get("/readyz").status_code == 503
        assert probe.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "host", ["nobody.example", "nobody.dotmac.localhost", "nobody.apps.localhost", "localhost"]
)
def test_an_unknown_host_says_that_nothing_is_here(db: None, host: str) -> None:
    page = browser(host).get("/admin/")
    assert page.status_code == 404
    assert "Nothing is served here" in page.content.decode()
    assert page["x-request-id"]


@pytest.mark.parametrize("host", ["a b", "acme_.dotmac.localhost/..", "<script>", "acme..x:99999"])
def test_a_host_that_is_none_is_refused(db: None, host: str) -> None:
    page = browser(host).get("/")
    assert page.status_code in (400, 404)
    assert "<script>" not in page.content.decode()


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("stopped", "This site is stopped"),
        ("suspended", "This site is suspended"),
        ("archived", "This site is archived"),
    ],
)
@pytest.mark.parametrize("host", ["acme.apps.localhost", "acme--shop.apps.localhost"])
def test_the_edge_finds_the_notice_of_an_instance_that_does_not_serve(
    db: None, host: str, kind: str, sentence: str
) -> None:
    page = browser(host).get(f"/_edge/notice/{kind}/")
    assert page.status_code == 503
    assert sentence in page.content.decode()


def test_a_workspace_s_notice_carries_its_name(db: None, acme: Isp) -> None:
    page = browser(acme.workspace_host).get("/_edge/notice/suspended/")
    assert acme.name in page.content.decode()


def test_a_notice_that_is_none_is_not_found(db: None) -> None:
    assert browser("acme.apps.localhost").get("/_edge/notice/anything/").status_code == 404
