"""A provider that becomes another one opens nobody's account by what the first called people."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.services import save_provider, secret_of
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from dev import saml_provider
from dev.identity_provider import Provider
from tests.accounts import test_saml as saml
from tests.accounts.browser import Browser, text_of
from tests.accounts.federating import nora, set_up, sign_in
from tests.accounts.people import FRONT, enter, is_in, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
RunDue = Callable[[], list[str]]


def owner(browser: Browser) -> Browser:
    somebody(FRONT, "alice", is_staff=True, is_superuser=True)
    enter(browser, FRONT, "alice@example.net")
    return browser


def links() -> int:
    with schema_of("public"):
        return SocialAccount.objects.count()


def test_the_same_mark_at_another_issuer_is_somebody_else(
    browser: Browser, provider: Provider
) -> None:
    nora(FRONT)
    row = set_up(FRONT, provider, domains=[])
    with schema_of("public"):
        SocialAccount.objects.create(
            user=somebody(FRONT, "carol"), provider="office", uid=provider.knobs.person["sub"]
        )
    assert sign_in(Browser(), FRONT).status_code == 302
    page = f"{FRONT}/admin/accounts/identityprovider/{row.pk}/change/"
    assert "1 person is linked to this provider" in text_of(owner(browser).visit(page))
    with Provider() as other:
        other.knobs.person = {**provider.knobs.person, "email": "mallory@example.org"}
        form = {"name": row.name, "client_id": other.client_id, "issuer": other.url, "is_on": "on"}
        without_secret = text_of(browser.submit(page, {**form, "ends_links": "on"}))
        assert "Enter that of the new one" in without_secret
        form["client_secret"] = other.client_secret
        assert "another provider than the one" in text_of(browser.submit(page, form))
        assert links() == 1
        browser.submit(page, {**form, "ends_links": "on"})
        assert links() == 0
        stranger = Browser()
        assert sign_in(stranger, FRONT).status_code == 403
        assert not is_in(stranger, FRONT)
    with schema_of("public"):
        event = Event.objects.get(type="identity_provider.links_ended")
        assert event.data["links"] == 1
        assert event.data["issuer"] == provider.url
        assert secret_of(IdentityProvider.objects.get()).reveal() == other.client_secret


def test_another_name_or_a_slash_at_the_end_ends_nothing(
    browser: Browser, provider: Provider
) -> None:
    nora(FRONT)
    row = set_up(FRONT, provider)
    sign_in(Browser(), FRONT)
    page = f"{FRONT}/admin/accounts/identityprovider/{row.pk}/change/"
    form = {
        "name": "Office",
        "client_id": provider.client_id,
        "issuer": f"{provider.url}/",
        "domain_list": "hilltop.example",
        "is_on": "on",
    }
    owner(browser).submit(page, form)
    with schema_of("public"):
        assert IdentityProvider.objects.get().name == "Office"
    assert links() == 1


@pytest.mark.parametrize("way", ["another host", "another entity is pasted", "same entity"])
def test_saml_metadata_of_another_entity_or_host_ends_links(way: str) -> None:
    saml.nora(FRONT)
    with saml_provider.Provider() as first, saml_provider.Provider() as other:
        row = saml.set_up(FRONT, first)
        saml.sign_in(Browser(), FRONT)
        assert links() == 1
        changes: dict[str, dict[str, Any]] = {
            "another host": {"metadata_url": f"{other.url}/metadata"},
            "another entity is pasted": {"metadata": other.metadata()},
            "same entity": {"metadata": f"{first.metadata()}\n"},
        }
        with schema_of("public"):
            for name, value in changes[way].items():
                setattr(row, name, value)
            save_provider(row, secret=None, actor=SYSTEM)
    assert links() == (1 if way == "same entity" else 0)


def test_fetched_metadata_of_another_entity_end_links(run_due: RunDue) -> None:
    saml.nora(FRONT)
    with saml_provider.Provider() as first:
        row = saml.set_up(FRONT, first, metadata="", metadata_url=f"{first.url}/metadata")
        run_due()
        saml.sign_in(Browser(), FRONT)
        assert links() == 1
        with schema_of("public"):
            row.refresh_from_db()
            save_provider(row, secret=None, actor=SYSTEM)
        run_due()
        assert links() == 1
        first.knobs.entity = "https://other.example/metadata"
        with schema_of("public"):
            row.refresh_from_db()
            save_provider(row, secret=None, actor=SYSTEM)
        run_due()
    assert links() == 0
