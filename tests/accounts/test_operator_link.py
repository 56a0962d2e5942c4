"""How the first person of the operator comes in, without any mail."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.core import mailbox
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import Browser
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import FRONT, enter, is_in, somebody

pytestmark = pytest.mark.django_db
OLIVIA = "olivia@dotmac.example"


def link(email: str = OLIVIA, *more: str) -> str:
    """What the command prints."""
    said = StringIO()
    call_command("operator_link", email, *more, stdout=said)
    return said.getvalue().strip()


def choose_password(browser: Browser, address: str) -> None:
    """As a person does who was given the link."""
    browser.visit(address)
    browser.submit(browser.address, {"password1": PASSWORD, "password2": PASSWORD})


def test_an_owner_chooses_a_password_by_the_link_and_signs_in(browser: Browser) -> None:
    choose_password(browser, link())
    enter(browser, FRONT, OLIVIA)
    assert is_in(browser, FRONT)
    assert browser.visit(f"{FRONT}/admin/").status_code == 200
    with schema_of("public"):
        assert User.objects.get(email=OLIVIA).is_superuser
        assert Event.objects.filter(type="user.created").count() == 1
        assert PASSWORD not in str(list(Event.objects.values()))


def test_the_link_is_good_once(browser: Browser, other_browser: Browser) -> None:
    address = link()
    choose_password(browser, address)
    other_browser.visit(address)
    other_browser.submit(other_browser.address, {"password1": "x" * 20, "password2": "x" * 20})
    enter(other_browser, FRONT, OLIVIA)
    assert is_in(other_browser, FRONT)


def test_nothing_is_given_once_the_operator_has_an_owner(browser: Browser) -> None:
    assert link(OLIVIA, "--first")
    choose_password(browser, link(OLIVIA, "--first"))
    assert link(OLIVIA, "--first") == ""
    assert link("another@dotmac.example", "--first") == ""


def test_it_makes_no_owner_of_a_customer(browser: Browser) -> None:
    somebody(FRONT, "alice")
    with pytest.raises(CommandError, match="is no owner"):
        link("alice@example.net")
    with pytest.raises(CommandError, match="is no e-mail address"):
        link("nobody")


def test_no_mail_is_needed(browser: Browser) -> None:
    link()
    assert mailbox.messages() == []
