"""Signing in to other tools with an account here, and what must not come of it."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.idp.oidc.models import Token
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import deactivate_user, reactivate_user
from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.idp.models import RelyingParty
from apps.idp.services import PartyWords, remove_party, rotate_secret, save_party
from apps.tenancy.kinds import operator
from apps.tenants.models import Membership, Organisation
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import FRONT, add_app, enter, somebody
from tests.idp.clients import BACK, Tool, consent, register, said_back

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]


@pytest.fixture
def tool(northwind: Organisation) -> Tool:
    """A wiki for the people of Northwind."""
    return register(northwind)


@pytest.fixture
def alice(browser: Browser, northwind: Organisation) -> User:
    """Northwind's owner, signed in."""
    browser.sign_in("alice@example.net", PASSWORD)
    return User.objects.get(email="alice@example.net")


def tokens(tool: Tool, browser: Browser) -> dict[str, Any]:
    answer = tool.exchange(tool.code(browser))
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_it_says_where_everything_is() -> None:
    said = Client().get("/.well-known/openid-configuration", headers={"host": "dotmac.localhost"})
    assert said.json()["issuer"] == FRONT
    assert said.json()["token_endpoint"] == f"{FRONT}/identity/token"
    keys = Client().get("/.well-known/jwks.json", headers={"host": "dotmac.localhost"}).json()
    assert {"n", "e", "kid"} <= keys["keys"][0].keys()
    assert "d" not in keys["keys"][0]


def test_without_a_key_of_its_own_production_signs_nobody_in(settings: Any) -> None:
    settings.DEVELOPMENT = False
    said = Client().get("/.well-known/openid-configuration", headers={"host": "dotmac.localhost"})
    assert said.status_code == 404


def test_consoles_and_workspaces_are_no_providers(acme: Any) -> None:
    for host in (acme.console_host, acme.workspace_host):
        said = Client().get("/.well-known/openid-configuration", headers={"host": host})
        assert said.status_code == 404


def test_a_member_signs_in(browser: Browser, tool: Tool, alice: User) -> None:
    page = text_of(browser.visit(tool.address()))
    assert "The Wiki asks to know who you are" in page
    assert "See your organisations" in page
    back = said_back(consent(browser, tool.address()))
    assert (back["state"], back["iss"]) == ("a-state", FRONT)
    given = tool.exchange(back["code"]).json()
    claims = tool.claims(given["id_token"])
    assert (claims["sub"], claims["nonce"]) == (str(alice.uuid), "a-nonce")
    assert (claims["email"], claims["email_verified"]) == ("alice@example.net", True)
    assert claims["amr"] == ["pwd"]
    assert claims["auth_time"] <= claims["iat"]
    who = tool.userinfo(given["access_token"]).json()
    assert who["organisations"] == [
        {"slug": "northwind", "name": "Northwind Fiber", "role": "owner"}
    ]
    with operator():
        event = Event.objects.get(type="user.signed_in_elsewhere")
    assert event.data["name"] == "The Wiki"


def test_a_client_sees_the_second_factor(browser: Browser, northwind: Organisation) -> None:
    tool = register(northwind, needs_second_factor=True)
    browser.sign_in("alice@example.net", PASSWORD)
    led = browser.visit(tool.address(), follow=False)
    assert led["Location"].startswith("/accounts/security/second-factor/?next=%2Fidentity")
    add_app(browser, FRONT)
    claims = tool.claims(tokens(tool, browser)["id_token"])
    assert {"otp", "mfa"} <= set(claims["amr"])


def test_somebody_who_is_not_signed_in_signs_in_first(browser: Browser, tool: Tool) -> None:
    led = browser.visit(tool.address(), follow=False)
    assert led["Location"].startswith("/accounts/login/?next=/identity/authorize")
    asked = tool.address(prompt="none")
    assert said_back(browser.visit(asked, follow=False))["error"] == "login_required"


def test_the_forms_on_the_way_lead_to_clients_that_are_on_and_no_others_do(
    browser: Browser, tool: Tool, alice: User
) -> None:
    def leads_back(path: str) -> bool:
        policy = browser.visit(f"{FRONT}{path}", follow=False)["Content-Security-Policy"]
        return "https://wiki.example" in policy.partition("form-action")[2].split()

    asked = tool.address().removeprefix(FRONT)
    assert leads_back(asked)
    assert leads_back("/accounts/security/")
    assert not leads_back("/organisations/")
    with operator():
        RelyingParty.objects.update(is_on=False)
    assert not leads_back("/accounts/security/")


def test_an_outsider_is_kept_out(browser: Browser, tool: Tool, person: Callable[..., User]) -> None:
    person("mallory")
    browser.sign_in("mallory@example.net", PASSWORD)
    page = browser.visit(tool.address())
    assert page.status_code == 403
    assert "mallory@example.net may not sign in to The Wiki" in text_of(page)


def test_cancelling_is_told(browser: Browser, tool: Tool, alice: User) -> None:
    back = said_back(consent(browser, tool.address(), action="cancel"))
    assert back["error"] == "access_denied"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/back",
        f"{BACK}/",
        f"{BACK}?more=1",
        f"{BACK}#x",
        "https://wiki.example:444/back",
        "https://wiki.example@evil.example/back",
        "HTTPS://wiki.example/back",
        None,
    ],
)
def test_no_other_address_gets_an_answer(
    browser: Browser, tool: Tool, alice: User, uri: str | None
) -> None:
    page = browser.visit(tool.address(redirect_uri=uri), follow=False)
    assert page.status_code == 400
    assert "Location" not in page.headers


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"response_type": "token"},
        {"response_type": "code id_token"},
        {"scope": "openid secrets"},
    ],
    ids=str,
)
def test_what_is_less_safe_is_refused(
    browser: Browser, tool: Tool, alice: User, changes: dict[str, str | None]
) -> None:
    back = browser.visit(tool.address(**changes), follow=False)
    assert "error=" in back["Location"]
    assert "code=" not in back["Location"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 50},
        {"code_verifier": ""},
        {"client_secret": "guessed"},
        {"redirect_uri": "https://evil.example/back"},
        {"grant_type": "password"},
        {"grant_type": "client_credentials"},
    ],
    ids=str,
)
def test_a_code_is_for_who_asked(
    browser: Browser, tool: Tool, alice: User, changes: dict[str, str]
) -> None:
    answer = tool.exchange(tool.code(browser), **changes)
    assert answer.status_code in (400, 401)
    assert "access_token" not in answer.content.decode()


def test_another_clients_code_is_of_no_use(browser: Browser, tool: Tool, alice: User) -> None:
    other = register(name="The Forum")
    assert other.exchange(tool.code(browser)).status_code in (400, 401)


def test_a_code_is_good_once_and_replayed_ends_its_tokens(
    browser: Browser, tool: Tool, alice: User
) -> None:
    code = tool.code(browser)
    given = tool.exchange(code).json()
    assert tool.userinfo(given["access_token"]).status_code == 200
    assert tool.exchange(code).json() == {"error": "invalid_grant"}
    assert tool.userinfo(given["access_token"]).status_code == 401
    with operator():
        assert Event.objects.filter(type="user.code_replayed").exists()


def test_refresh_tokens_change_with_every_use(browser: Browser, tool: Tool, alice: User) -> None:
    given = tokens(tool, browser)
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    newer = tool.ask("token", form).json()
    assert tool.userinfo(newer["access_token"]).json()["sub"] == str(alice.uuid)
    assert tool.ask("token", form).status_code == 400
    other = register(name="The Forum")
    stolen = {"grant_type": "refresh_token", "refresh_token": newer["refresh_token"]}
    assert other.ask("token", stolen).status_code in (400, 401)


def test_revoking_ends_all_that_belongs_together(browser: Browser, tool: Tool, alice: User) -> None:
    given = tokens(tool, browser)
    assert tool.ask("revoke", {"token": given["refresh_token"]}).status_code == 200
    assert tool.userinfo(given["access_token"]).status_code == 401


def test_who_is_switched_off_or_leaves_is_out_at_once_and_for_good(
    browser: Browser, tool: Tool, alice: User
) -> None:
    given = tokens(tool, browser)
    somebody(FRONT, "boss", is_staff=True, is_superuser=True)
    with operator():
        deactivate_user(alice, actor=SYSTEM)
    assert tool.userinfo(given["access_token"]).status_code == 401
    with operator():
        reactivate_user(alice, actor=SYSTEM)
    assert tool.userinfo(given["access_token"]).status_code == 401


@pytest.mark.parametrize("type", ["user.password_changed", "user.sessions_ended"])
def test_tokens_end_by_the_event_alone(
    browser: Browser, tool: Tool, alice: User, type: str
) -> None:
    tokens(tool, browser)
    with operator():
        event = events.record(type, actor=SYSTEM, subject=alice)
        for reaction in events._reactions_to(event):
            reaction(event)
        assert not Token.objects.filter(user=alice).exists()


def test_who_leaves_the_organisation_is_out(browser: Browser, tool: Tool, alice: User) -> None:
    given = tokens(tool, browser)
    code = tool.code(browser)
    with operator():
        Membership.objects.filter(user=alice.uuid).delete()
    assert tool.userinfo(given["access_token"]).status_code == 401
    assert tool.exchange(code).status_code == 400
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    assert tool.ask("token", form).status_code == 400


def test_consent_given_to_one_client_counts_for_no_other(
    browser: Browser, tool: Tool, alice: User
) -> None:
    tokens(tool, browser)
    silent = browser.visit(tool.address(prompt="none"), follow=False)
    assert "code" in said_back(silent)
    other = register(name="The Forum")
    asked = browser.visit(other.address(prompt="none"), follow=False)
    assert said_back(asked)["error"] == "consent_required"


def test_a_client_can_ask_for_a_fresh_sign_in(browser: Browser, tool: Tool, alice: User) -> None:
    for changes in ({"prompt": "login"}, {"max_age": "0"}):
        led = browser.visit(tool.address(**changes), follow=False)
        assert led["Location"].startswith("/accounts/reauthenticate/")


def test_a_public_client_proves_itself_by_pkce(browser: Browser, alice: User) -> None:
    tool = register(is_public=True)
    assert tool.secret == ""
    assert tool.claims(tokens(tool, browser)["id_token"])["sub"] == str(alice.uuid)
    assert tool.exchange(tool.code(browser), code_verifier="w" * 50).status_code == 400


def test_a_client_for_one_organisation_learns_of_no_other(
    browser: Browser, northwind: Organisation, tool: Tool, alice: User
) -> None:
    with operator():
        row = Organisation.objects.get(pk=northwind.pk)
        other = Organisation.objects.create(
            name="Other", slug="other", owner=alice.uuid, email=row.email,
            plan_version=row.plan_version, plan_key=row.plan_key, country="SE",
            currency="SEK", time_zone="UTC", region="local",
        )  # fmt: skip
        Membership.objects.create(organisation=other, user=alice.uuid)
    who = tool.userinfo(tokens(tool, browser)["access_token"]).json()
    assert [one["slug"] for one in who["organisations"]] == ["northwind"]


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": []},
        {"redirect_uris": ["https://*.wiki.example/"]},
        {"redirect_uris": ["https://wiki.example/#x"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["https://wiki.example@evil.example/"]},
        {"who": "members"},
    ],
    ids=str,
)
def test_a_client_that_opens_too_much_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(DomainError):
        register(**changes)


def test_an_owner_registers_a_client_and_sees_its_secret_once(browser: Browser) -> None:
    somebody(FRONT, "olga", is_staff=True, is_superuser=True)
    enter(browser, FRONT, "olga@example.net")
    path = f"{FRONT}/admin/idp/relyingparty"
    form = {
        "name": "The Wiki",
        "redirect_uris": f"{BACK}\n",
        "scopes": ["email"],
        "who": "everybody",
        "is_on": "on",
    }
    made = browser.submit(f"{path}/add/", form)
    with operator():
        party = RelyingParty.objects.get()
    assert "Copy the secret now" in text_of(made)
    assert party.client.get_redirect_uris() == [BACK]
    assert party.client.get_scopes() == ["openid", "email"]
    changed = browser.submit(f"{path}/{party.pk}/change/", {**form, "name": "The Great Wiki"})
    assert "The Great Wiki" in text_of(changed)
    page = text_of(browser.visit(f"{path}/{party.pk}/change/"))
    assert party.client_id in page
    assert "New secret" in page
    assert "Copy the secret now" in text_of(browser.submit(f"{path}/{party.pk}/secret/"))
    with operator():
        kept = str(list(Event.objects.values_list("data", flat=True)))
        types = set(Event.objects.filter(type__startswith="sso_client").values_list("type"))
        assert party.client.secret not in kept
    assert len(types) == 3


def test_another_secret_ends_the_one_before(browser: Browser, tool: Tool, alice: User) -> None:
    with operator():
        newer = rotate_secret(tool.party, actor=SYSTEM).reveal()
    assert tool.exchange(tool.code(browser)).status_code in (400, 401)
    tool.secret = newer
    assert tool.exchange(tool.code(browser)).status_code == 200


def test_a_client_that_is_off_or_gone_signs_nobody_in(
    browser: Browser, tool: Tool, alice: User
) -> None:
    given, code = tokens(tool, browser), tool.code(browser)
    words = PartyWords("The Wiki", False, [BACK], ["email"], "everybody", is_on=False)
    with operator():
        save_party(tool.party, words, actor=SYSTEM)
    assert tool.userinfo(given["access_token"]).status_code == 401
    assert tool.exchange(code).status_code == 400
    assert browser.visit(tool.address()).status_code == 400
    with operator():
        remove_party(tool.party, actor=SYSTEM)
        assert not RelyingParty.objects.exists()
