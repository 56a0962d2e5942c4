"""An identity provider may be wrong or lie: what is believed of it, a real one over HTTP."""

from typing import Any

import pytest

from dev.identity_provider import Provider
from tests.accounts.browser import Browser, text_of
from tests.accounts.federating import nora, people, set_up, sign_in
from tests.accounts.people import (
    FRONT,
    is_in,
    somebody,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "false"},
        {"email": None},
        {"email": "nora@elsewhere.example"},
        {"email": "nora@hilltop.example.evil.example"},
        {"email": "nora@hilltop.example@evil.example"},
    ],
)
def test_an_unproven_or_foreign_address_gets_into_no_account(
    browser: Browser, provider: Provider, claims: dict[str, Any]
) -> None:
    nora(FRONT)
    nora(FRONT, email="nora@elsewhere.example")
    set_up(FRONT, provider, creates_people=True)
    provider.knobs.claims = claims
    assert sign_in(browser, FRONT).status_code in (401, 403)
    assert not is_in(browser, FRONT)
    assert len(people(FRONT)) == 2


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"hd": "hilltop.example"}, 302),
        # Proven once, and no Workspace says that it is theirs today.
        ({}, 403),
        ({"hd": "another.example"}, 403),
        ({"hd": "hilltop.example", "email_verified": False}, 403),
    ],
)
def test_google_is_believed_for_the_workspace_that_it_names(
    browser: Browser,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    claims: dict[str, Any],
    status: int,
) -> None:
    monkeypatch.setattr("apps.accounts.providers.services.GOOGLE_ISSUER", provider.url)
    nora(FRONT)
    set_up(FRONT, provider, kind="google", issuer="")
    provider.knobs.claims = claims
    assert sign_in(browser, FRONT).status_code == status
    assert is_in(browser, FRONT) == (status == 302)


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        # The owner named the domain of their own directory, which says nothing of proof.
        ({"email_verified": None}, 302),
        ({"email": "nora@elsewhere.example", "email_verified": True}, 403),
        ({"email": "nora@elsewhere.example", "xms_edov": "1"}, 403),
    ],
)
def test_microsoft_is_believed_for_the_domains_of_ones_own_directory(
    browser: Browser, provider: Provider, claims: dict[str, Any], status: int
) -> None:
    nora(FRONT)
    nora(FRONT, email="other@elsewhere.example")
    set_up(FRONT, provider, kind="microsoft")
    provider.knobs.claims = claims
    assert sign_in(browser, FRONT).status_code == status
    assert is_in(browser, FRONT) == (status == 302)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://another.example"},
        {"aud": "another-client"},
        {"exp": 1},
        {"exp": None},
        {"iat": 9_999_999_999},
        {"sub": None},
        {"sub": ""},
    ],
)
def test_a_token_that_is_not_for_us_here_and_now_is_refused(
    browser: Browser, provider: Provider, claims: dict[str, Any]
) -> None:
    nora(FRONT)
    set_up(FRONT, provider)
    provider.knobs.claims = claims
    page = sign_in(browser, FRONT)
    assert page.status_code == 401
    assert "did not work" in text_of(page)
    assert not is_in(browser, FRONT)


@pytest.mark.parametrize("knob", ["is_signed_by_stranger", "is_unsigned"])
def test_a_token_that_the_issuer_did_not_sign_is_refused(
    browser: Browser, provider: Provider, knob: str
) -> None:
    nora(FRONT)
    set_up(FRONT, provider)
    setattr(provider.knobs, knob, True)
    assert sign_in(browser, FRONT).status_code == 401
    assert not is_in(browser, FRONT)


def test_a_discovery_document_of_another_issuer_is_refused(
    browser: Browser, provider: Provider
) -> None:
    set_up(FRONT, provider)
    provider.knobs.issuer = "https://another.example"
    assert browser.submit(f"{FRONT}/accounts/oidc/office/login/").status_code == 401


def test_what_userinfo_says_counts_for_nothing(browser: Browser, provider: Provider) -> None:
    nora(FRONT)
    somebody(FRONT, "victim")
    set_up(FRONT, provider)
    provider.knobs.userinfo = {"email": "victim@example.net", "sub": "1"}
    sign_in(browser, FRONT)
    assert "nora@hilltop.example" in text_of(browser.visit(f"{FRONT}/accounts/security/"))
