"""What was decided about a tool or a person after its tokens were out holds for them too."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event
from typing import Any

import pytest
from allauth.idp.oidc.models import Token
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.models import SignInPolicy, User
from apps.events.actors import SYSTEM
from apps.events.models import Event as Happened
from apps.idp import views
from apps.idp.models import ClientSignIn
from apps.idp.services import PartyWords, save_party
from apps.tenancy.kinds import operator
from tests.accounts.browser import Browser
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import FRONT, add_app, enter, somebody
from tests.idp.clients import BACK, SCOPES, Tool, register

WORDS = PartyWords("The Wiki", False, [BACK], SCOPES, "everybody", may_refresh=True)
Given = dict[str, Any]


def given_to(tool: Tool, browser: Browser) -> Given:
    found: Given = tool.exchange(tool.code(browser)).json()
    return found


def refresh(tool: Tool, given: Given) -> HttpResponse:
    form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
    return tool.ask("token", form)


def change(tool: Tool, **changes: Any) -> None:
    with operator():
        save_party(tool.party, replace(WORDS, **changes), actor=SYSTEM)


def types_of_events() -> set[str]:
    with operator():
        return set(Happened.objects.values_list("type", flat=True))


@pytest.fixture
def alice(browser: Browser, commits: None) -> User:
    """Somebody signed in with a password alone."""
    user = somebody(FRONT, "alice")
    enter(browser, FRONT, "alice@example.net")
    return user


@pytest.mark.django_db
class TestAsTimePasses:
    def test_a_second_factor_that_the_tool_demands_later(
        self, browser: Browser, alice: User
    ) -> None:
        tool = register()
        given = given_to(tool, browser)
        change(tool, needs_second_factor=True)
        assert tool.userinfo(given["access_token"]).status_code == 401
        assert refresh(tool, given).status_code == 400
        with operator():
            assert not Token.objects.exists()
        add_app(browser, FRONT)
        newer = given_to(tool, browser)
        assert tool.userinfo(newer["access_token"]).status_code == 200
        assert refresh(tool, newer).status_code == 200

    def test_a_second_factor_that_the_operator_demands_later(
        self, browser: Browser, alice: User
    ) -> None:
        tool = register()
        given = given_to(tool, browser)
        with operator():
            policy = SignInPolicy(pk=1, who="everybody", grace_days=7, since=timezone.now())
            policy.save()
            User.objects.update(date_joined="2020-01-01T00:00Z")
        newer = refresh(tool, given).json()
        assert tool.userinfo(newer["access_token"]).status_code == 200
        with operator():
            # The days of grace are over.
            SignInPolicy.objects.update(since="2020-01-01T00:00Z")
        assert refresh(tool, newer).status_code == 400
        assert tool.userinfo(newer["access_token"]).status_code == 401

    def test_scopes_that_are_taken_from_the_tool(self, browser: Browser, alice: User) -> None:
        tool = register()
        given = given_to(tool, browser)
        assert "email" in tool.userinfo(given["access_token"]).json()
        change(tool, scopes=["profile"])
        assert tool.userinfo(given["access_token"]).status_code == 401
        newer = refresh(tool, given)
        assert set(newer.json()["scope"].split()) == {"openid", "profile"}
        told = tool.userinfo(newer.json()["access_token"]).json()
        assert not {"email", "organisations"} & told.keys()
        assert "name" in told
        # The narrower token stays narrow when the tool may know more again.
        change(tool)
        again = refresh(tool, newer.json()).json()
        assert "email" not in tool.userinfo(again["access_token"]).json()

    def test_a_code_of_before_gives_nothing_of_what_was_taken(
        self, browser: Browser, alice: User
    ) -> None:
        tool = register()
        code = tool.code(browser)
        change(tool, scopes=["profile"])
        given = tool.exchange(code).json()
        assert "email" not in tool.claims(given["id_token"])
        assert tool.userinfo(given["access_token"]).status_code == 401

    def test_a_spent_refresh_token_ends_the_family_and_no_other(
        self, browser: Browser, alice: User
    ) -> None:
        tool = register()
        stolen, other = given_to(tool, browser), given_to(tool, browser)
        thief = refresh(tool, stolen).json()
        for _turn in range(3):
            thief = refresh(tool, thief).json()
        assert refresh(tool, stolen).json() == {"error": "invalid_grant"}
        assert tool.userinfo(thief["access_token"]).status_code == 401
        assert refresh(tool, thief).status_code == 400
        assert "user.token_replayed" in types_of_events()
        assert tool.userinfo(other["access_token"]).status_code == 200
        assert refresh(tool, other).status_code == 200

    @pytest.mark.parametrize("forged", ["x", "1.x.y", "{pk}.{other}.guess", ""])
    def test_nobody_ends_a_family_by_guessing(
        self, browser: Browser, alice: User, forged: str
    ) -> None:
        tool = register()
        given = given_to(tool, browser)
        with operator():
            pk = ClientSignIn.objects.get().pk
        other = given["refresh_token"].split(".")[1][::-1]
        said = {"refresh_token": forged.format(pk=pk, other=other)}
        assert refresh(tool, said).json() == {"error": "invalid_grant"}
        assert tool.userinfo(given["access_token"]).status_code == 200

    def test_another_tool_uses_up_nothing(self, browser: Browser, alice: User) -> None:
        tool, other = register(), register(name="The Forum")
        given = given_to(tool, browser)
        assert refresh(other, given).status_code in (400, 401)
        assert refresh(tool, given).status_code == 200


@pytest.fixture
def live(live_database: str) -> Browser:
    """Alice, where what one request commits is seen by another at once."""
    browser = Browser()
    somebody(FRONT, "alice")
    browser.sign_in("alice@example.net", PASSWORD)
    return browser


def together(*asked: Callable[[], HttpResponse]) -> list[HttpResponse]:
    """The answers to requests that are sent at the same moment."""
    barrier = Barrier(len(asked))

    def ask(one: Callable[[], HttpResponse]) -> HttpResponse:
        barrier.wait()
        try:
            return one()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(ask, asked))


def test_of_two_refreshes_at_once_one_wins_and_the_family_ends(live: Browser) -> None:
    tool = register()
    for _turn in range(5):
        given = given_to(tool, live)
        answers = together(*[lambda given=given: refresh(tool, given) for _twice in range(2)])
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        (won,) = [answer.json() for answer in answers if answer.status_code == 200]
        assert tool.userinfo(won["access_token"]).status_code == 401
        assert refresh(tool, won).status_code == 400
    with operator():
        assert not Token.objects.exists()


def test_a_code_that_is_replayed_during_its_exchange_ends_what_comes_of_it(
    live: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = register()
    code = tool.code(live)
    exchanging, asked = Event(), views.allauth.token

    def slowly(request: HttpRequest) -> HttpResponse:
        exchanging.set()
        # Until the second request waits at the row of the first.
        assert waits_for_a_row()
        answer: HttpResponse = asked(request)
        return answer

    def replay() -> HttpResponse:
        assert exchanging.wait(30)
        return tool.exchange(code)

    monkeypatch.setattr(views.allauth, "token", slowly)
    first, second = together(lambda: tool.exchange(code), replay)
    assert (first.status_code, second.status_code) == (200, 400)
    assert tool.userinfo(first.json()["access_token"]).status_code == 401
    assert refresh(tool, first.json()).status_code == 400
    assert "user.code_replayed" in types_of_events()


def waits_for_a_row() -> bool:
    """Whether somebody soon waits for a lock in this database."""
    with connection.cursor() as cursor:
        for _turn in range(600):
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND locktype ="
                " 'transactionid'), pg_sleep(0.05)"
            )
            if cursor.fetchone()[0]:
                return True
    return False
