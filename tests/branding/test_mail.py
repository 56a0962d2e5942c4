"""Mails: one text, from which come plain text and HTML in the brand of the level."""

from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.services import create_user
from apps.branding import samples
from apps.branding.looks import Look
from apps.branding.mail import blocks_of, compose, write_letter
from apps.branding.services import NewPictures, Words, save_brand
from apps.core import mailbox
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import schema_of
from tests.accounts.browser import text_of
from tests.conftest import Isp
from tests.pages.conftest import OPERATOR_HOST, browser

HOME = "https://acme.example/"
WORDS = Words(
    name="Acme & Sons",
    primary="#cc3300",
    sender_name="Acme billing",
    footer="Acme Ltd, Reg. 12",
    support_email="help@acme.example",
)


@pytest.fixture(autouse=True)
def _commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.transaction.on_commit", lambda run, **_how: run())


@pytest.fixture
def branded(acme: Isp, db: None) -> None:
    """Acme's workspace has a brand."""
    with schema_of(acme.workspace):
        save_brand(WORDS, NewPictures(), version=0, actor=SYSTEM)


def forgotten(host: str, schema: str) -> Any:
    """The mail to somebody who forgot the password."""
    with schema_of(schema):
        create_user(email="dora@example.com", password="x", is_verified=True, actor=SYSTEM)
    browser(host).post("/accounts/password/reset/", {"email": "dora@example.com"})
    (message,) = mail.outbox
    return message_from_bytes(message.message().as_bytes(), policy=policy.default)


def test_a_mail_of_sign_in_is_in_the_brand_of_its_level(branded: None, acme: Isp) -> None:
    sent = forgotten(acme.workspace_host, acme.workspace)
    assert sent["From"].startswith("Acme billing <no-reply@")
    assert sent["Reply-To"] == "help@acme.example"
    assert sent["Auto-Submitted"] == "auto-generated"
    plain = sent.get_body(("plain",)).get_content()
    html = sent.get_body(("html",)).get_content()
    link = next(word for word in plain.split() if "/reset/key/" in word)
    assert link.startswith("https://acme.apps.localhost")
    assert f'href="{link}"' in html
    assert "background:#cc3300" in html
    assert "prefers-color-scheme: dark" in html
    for said in ("Acme Ltd, Reg. 12", "help@acme.example"):
        assert said in plain
        assert said in html
    assert "Acme &amp; Sons" in html


def test_another_isp_s_mail_has_nothing_of_it(branded: None, initech: Isp) -> None:
    sent = forgotten(initech.workspace_host, initech.workspace)
    assert sent["From"].startswith("Initech Wireless <")
    assert sent["Reply-To"] is None
    assert "Acme" not in str(sent)
    assert "cc3300" not in str(sent)


@pytest.mark.parametrize("name", samples.templates())
def test_every_mail_has_both_forms_and_says_everything(name: str, acme: Isp, db: None) -> None:
    with schema_of(acme.workspace):
        letter = samples.sample(name)
    assert letter.subject
    assert "\n" not in letter.subject
    assert "{" not in letter.text
    for leftover in ("<mj-", "{{", "{%", "None"):
        assert leftover not in letter.html
    assert letter.html.startswith("<!doctype html>")
    # Mail programs fetch nothing: MJML would load a font that it knows.
    for fetched in ("@import", "<link", "fonts.", "src="):
        assert fetched not in letter.html


def test_what_a_name_says_is_never_a_button_nor_markup() -> None:
    name = 'Eve\n\n[Pay now] https://evil.example/\n\n<script>x</script>"]]>{{ 7 }}'
    context = {"name": name, "url": f"{HOME}?a=1&b=2", "has_password": False}
    letter = write_letter(
        "subscribers/mail/invitation", context, look=Look(name=name), home_url=HOME
    )
    assert 'href="https://evil' not in letter.html
    assert "<script" not in letter.html
    assert "\n" not in letter.subject
    assert f'href="{HOME}?a=1&amp;b=2"' in letter.html
    assert f"{HOME}?a=1&b=2" in letter.text


def test_only_web_addresses_of_the_context_become_buttons() -> None:
    context = {"url": "javascript:alert(1)", "code": "JX4K"}
    found = blocks_of(
        "Hi\nthere\n\n[Go] javascript:alert(1)\n\n[Go] https://x.example/\n\nJX4K", context
    )
    assert [block.url for block in found] == ["", "", "", ""]
    assert found[0].lines == ("Hi", "there")
    assert found[3].code == "JX4K"


def test_a_line_break_in_a_sender_s_name_sends_nothing_elsewhere(acme: Isp, db: None) -> None:
    with schema_of(acme.workspace):
        words = Words(name="Acme", sender_name="Acme\r\nBcc: eve@example.com")
        save_brand(words, NewPictures(), version=0, actor=SYSTEM)
        context = {"name": "Dora", "url": HOME, "has_password": True}
        message = compose(
            "subscribers/mail/invitation", context, to=["d@example.com"], home_url=HOME
        )
        with pytest.raises(ValueError, match="newlines"):
            message.message()


def test_a_development_machine_shows_mails_as_they_arrive(
    branded: None, acme: Isp, settings: Any, tmp_path: Any
) -> None:
    settings.VAR_DIR = tmp_path
    settings.EMAIL_BACKEND = "apps.core.mailbox.MailboxBackend"
    with schema_of(acme.workspace):
        create_user(email="dora@example.com", password="x", is_verified=True, actor=SYSTEM)
    browser(acme.workspace_host).post("/accounts/password/reset/", {"email": "dora@example.com"})
    mail_id = mailbox.messages()[0]["id"]
    desk = Client(headers={"host": OPERATOR_HOST})
    page = desk.get(f"/dev/mail/{mail_id}/")
    assert "Acme billing" in text_of(page)
    shown = desk.get(f"/dev/mail/{mail_id}/html/")
    assert "Acme &amp; Sons" in shown.content.decode()
    assert "script-src" not in shown["Content-Security-Policy"]
    assert shown["X-Frame-Options"] == "SAMEORIGIN"


def test_every_mail_can_be_looked_at_in_development_alone(db: None, settings: Any) -> None:
    desk = Client(headers={"host": OPERATOR_HOST})
    index = desk.get("/dev/mail/samples/")
    for name in samples.templates():
        assert name in text_of(index)
    for scheme in ("light", "dark", "auto", "text"):
        assert desk.get(f"/dev/mail/samples/0/{scheme}/").status_code == 200
    assert desk.get("/dev/mail/samples/0/blue/").status_code == 404
    assert desk.get("/dev/mail/samples/999/light/").status_code == 404
    settings.DEVELOPMENT = False
    for path in ("/dev/mail/samples/", "/dev/mail/samples/0/light/"):
        assert desk.get(path).status_code == 404
