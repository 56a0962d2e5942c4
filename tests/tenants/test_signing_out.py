"""Whoever changes their password at the operator is signed out of consoles and workspaces too."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.keys import verify_keys
from apps.accounts.models import User
from apps.accounts.security.sessions import revoke_everywhere
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import operator
from apps.tenants import grants
from apps.tenants.members import signed_out_of
from apps.tenants.models import Membership, Organisation
from dotmac.crypto.contracts import open_grant
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import FRONT, is_in
from tests.accounts.test_hand_off import hand_off_link
from tests.accounts.visiting import staff
from tests.tenants.test_departures import CONSOLE, WORKSPACE, bring, his, is_out, renewal
from tests.tenants.test_ownership import bob

__all__ = ["bob", "his"]

pytestmark = pytest.mark.django_db
NEW = "another winter in Lapland"


def change_password(browser: Browser) -> None:
    """Choose another password at the operator."""
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    browser.submit(f"{FRONT}/accounts/password/change/", form)


def come_in(browser: Browser, site: str) -> None:
    """Enter a console or workspace from the operator."""
    browser.visit(f"{site}/sso/login/?next=/admin/")
    assert browser.address == f"{site}/admin/"


def end_at(organisation: Organisation, serial: int, bob: User, moment: datetime) -> None:
    """A grant that says when Bob's sessions were ended."""
    bring(organisation, serial, signed_out={bob.uuid: moment})


def test_a_changed_password_ends_sessions_in_console_and_workspace(
    northwind: Organisation, bob: User, his: Browser, other_browser: Browser
) -> None:
    due = renewal(northwind)
    other_browser.sign_in("alice@example.net", PASSWORD)
    come_in(other_browser, CONSOLE)
    change_password(his)
    assert is_in(his, FRONT)
    assert is_out(his)
    assert other_browser.visit(f"{CONSOLE}/admin/", follow=False).status_code == 200
    # A stack elsewhere hears of it at once.
    due.refresh_from_db()
    assert due.due_at <= timezone.now()
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        come_in(his, CONSOLE)
        come_in(his, WORKSPACE)


def test_so_does_ending_all_other_sessions(
    northwind: Organisation, bob: User, his: Browser, other_browser: Browser
) -> None:
    other_browser.sign_in("bob@example.net", PASSWORD)
    other_browser.submit(f"{FRONT}/accounts/security/sessions/end-others/")
    assert is_in(other_browser, FRONT)
    assert not is_in(his, FRONT)
    assert is_out(his)


def test_so_does_who_manages_people_at_the_operator(
    northwind: Organisation, bob: User, his: Browser, person: Callable[[str], User]
) -> None:
    due, admin = renewal(northwind), staff(person, "ada", "admin")
    hers = Browser()
    hers.sign_in("ada@example.net", PASSWORD)
    page = f"{FRONT}/admin/accounts/user/{bob.pk}/change/"
    assert "last seen" in text_of(hers.visit(page))
    ended = hers.submit(f"{FRONT}/admin/accounts/user/{bob.pk}/sessions/end/")
    assert "Bob is signed out everywhere." in text_of(ended)
    assert not is_in(his, FRONT)
    assert is_out(his)
    assert is_in(hers, FRONT)
    due.refresh_from_db()
    assert due.due_at <= timezone.now()
    with operator():
        event = Event.objects.get(type="user.sessions_ended")
    assert (event.actor_id, event.subject_id) == (str(admin.uuid), str(bob.uuid))
    assert event.data == {"sessions": 1}
    # Nothing was taken from them.
    with time_machine.travel(timezone.now() + timedelta(seconds=2)):
        his.sign_in("bob@example.net", PASSWORD)
        come_in(his, CONSOLE)


def test_a_hand_off_of_before_signs_nobody_in(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    link = hand_off_link(his, CONSOLE)
    change_password(his)
    assert "Your sessions were ended after this sign-in began" in text_of(his.visit(link))
    assert is_out(his)


def test_a_grant_says_who_was_signed_out_lately(northwind: Organisation, bob: User) -> None:
    workspace = northwind.workspace
    assert workspace is not None
    said = grants.told_by(northwind)
    with operator():
        revoke_everywhere(bob, keep=None, actor=SYSTEM)
    moment = Membership.objects.get(organisation=northwind, user=bob.uuid).signed_out_at
    token = grants._sign(northwind, workspace)
    grant = open_grant(token, verify_keys(), tenant=workspace.uuid).value
    assert grant.signed_out == {bob.uuid: moment}
    # A renewal that was on its way is followed by another.
    assert grants.told_by(northwind) != said
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert signed_out_of(northwind) == {}


def test_a_grant_ends_sessions_once_and_hand_offs_of_before(
    northwind: Organisation, bob: User, his: Browser
) -> None:
    link, now = hand_off_link(his, WORKSPACE), timezone.now()
    end_at(northwind, 5, bob, now)
    assert his.visit(f"{WORKSPACE}/admin/", follow=False).status_code == 302
    assert "Your sessions were ended" in text_of(his.visit(link))
    with time_machine.travel(now + timedelta(seconds=2)):
        come_in(his, WORKSPACE)
        end_at(northwind, 6, bob, now)
        assert his.visit(f"{WORKSPACE}/admin/", follow=False).status_code == 200
        end_at(northwind, 7, bob, timezone.now())
        assert his.visit(f"{WORKSPACE}/admin/", follow=False).status_code == 302
