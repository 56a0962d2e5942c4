"""The link by which support enters: for one browser, once, soon, and for nothing else."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.hand_off import issue_visit, new_state
from apps.accounts.models import User, Visit
from apps.accounts.visits.services import SESSION_KEY
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator, schema_of
from apps.tenants import impersonation
from apps.tenants.models import Impersonation, Organisation
from tests.accounts.browser import Browser, text_of
from tests.accounts.conftest import PASSWORD
from tests.accounts.visiting import (
    CONSOLE,
    CONSOLE_HOST,
    REASON,
    WORKSPACE,
)

pytestmark = pytest.mark.django_db


def link(browser: Browser) -> str:
    """The support link, not opened yet."""
    browser.visit(f"{CONSOLE}/sso/login/", follow=False)
    browser.visit(browser.page["Location"], follow=False)
    found: str = browser.page["Location"]
    assert found.startswith(f"{CONSOLE}/sso/visit/?token=")
    return found


def test_a_link_is_for_one_browser_once_and_soon(
    inside: Browser, other_browser: Browser, eve: User
) -> None:
    first = link(inside)
    assert "another browser" in text_of(other_browser.visit(first))
    with time_machine.travel(timezone.now() + timedelta(seconds=70), tick=False):
        assert "more than a minute old" in text_of(inside.visit(first))
    assert inside.visit(first, follow=False).status_code == 302
    assert "used already" in text_of(inside.visit(first))
    at_work = first.replace(CONSOLE, WORKSPACE)
    assert "another address" in text_of(inside.visit(at_work))
    cut = first[:-4] + "AAAA"
    assert inside.visit(cut).status_code == 403


def test_a_support_link_is_no_hand_off_nor_the_reverse(
    inside: Browser, northwind: Organisation, other_browser: Browser
) -> None:
    token = parse_qs(urlsplit(link(inside)).query)["token"][0]
    page = inside.visit(f"{CONSOLE}/sso/enter/?{urlencode({'token': token})}")
    assert "incomplete or was changed" in text_of(page)
    other_browser.sign_in("alice@example.net", PASSWORD)
    other_browser.visit(f"{CONSOLE}/sso/login/", follow=False)
    other_browser.visit(other_browser.page["Location"], follow=False)
    hers = other_browser.page["Location"].replace("/sso/enter/", "/sso/visit/")
    assert "incomplete or was changed" in text_of(other_browser.visit(hers))


def test_a_visit_that_is_over_is_not_entered_by_an_old_link(
    inside: Browser, northwind: Organisation
) -> None:
    late = link(inside)
    with operator():
        impersonation.end(Impersonation.objects.get().uuid, SYSTEM)
    # The first is of the session that is left, the second of the link.
    assert "The support visit is over" in text_of(inside.visit(late))
    assert "This support visit is over" in text_of(inside.visit(late))


def test_a_link_of_before_the_end_opens_no_other_schema(inside: Browser) -> None:
    inside.visit(f"{WORKSPACE}/sso/login/", follow=False)
    inside.visit(inside.page["Location"], follow=False)
    late = inside.page["Location"]
    with operator():
        impersonation.end(Impersonation.objects.get().uuid, SYSTEM)
    assert "This support visit is over" in text_of(inside.visit(late))
    with schema_of("w_northwind"):
        assert not Visit.objects.exists()


def test_a_session_with_a_made_up_visit_is_nobody(
    northwind: Organisation, browser: Browser
) -> None:
    with schema_of("c_northwind"):
        session = browser.client(CONSOLE_HOST).session
        session[SESSION_KEY] = str(uuid4())
        session.save()
    assert browser.visit(f"{CONSOLE}/admin/", follow=False).status_code == 403


def test_a_message_of_the_operator_s_key_alone_is_believed(
    northwind: Organisation, browser: Browser, eve: User
) -> None:
    _secret, state = new_state()
    token = issue_visit(
        eve,
        visit=uuid4(),
        reason=REASON,
        expires_at=timezone.now() + timedelta(minutes=15),
        host=CONSOLE_HOST,
        state=state,
        next_path="/admin/",
    )
    page = browser.visit(f"{CONSOLE}/sso/visit/?{urlencode({'token': token})}")
    assert "another browser" in text_of(page)
