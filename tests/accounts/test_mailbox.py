"""The mailbox of a development machine at /dev/mail/."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.mail import send_mail
from django.test import Client

from apps.core import mailbox
from tests.accounts.browser import text_of
from tests.conftest import Isp

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    """Somebody at the operator's host."""
    return Client(headers={"host": configured.BASE_DOMAIN})


def write(subject: str, text: str = "Hello") -> None:
    """Send a mail to the mailbox."""
    send_mail(subject, text, None, ["alice@example.net"])


def test_an_empty_mailbox_says_what_it_is_for(client: Client) -> None:
    assert "No mail yet" in text_of(client.get("/dev/mail/"))


def test_the_newest_mail_is_first_and_opens_with_its_links(client: Client) -> None:
    write("First")
    write("Second", "Open http://dotmac.localhost:8000/x/ and <b>see</b>")
    listing = text_of(client.get("/dev/mail/"))
    assert listing.index("Second") < listing.index("First")
    mail = text_of(client.get(f"/dev/mail/{mailbox.messages()[0]['id']}/"))
    assert 'href="http://dotmac.localhost:8000/x/"' in mail
    assert "&lt;b&gt;see" in mail


@pytest.mark.parametrize(
    "message_id",
    [
        "..%2F..%2Fkeys%2Fplatform",
        "../keys/platform",
        "..",
        "%2Fetc%2Fpasswd",
        "....//keys",
        "secret",
        "20260101000000000000-abcdef",
        "20260101000000000000-abcdef%00",
        "20260101000000000000-abcdef%0A",
    ],
)
def test_nothing_but_mails_can_be_read(client: Client, tmp_path: Path, message_id: str) -> None:
    write("Mail")
    (tmp_path / "keys").mkdir()
    for file in ("secret.eml", "keys/platform.eml", "mail/secret.eml"):
        (tmp_path / file).write_text("Subject: secret\n\nsecret")
    page = client.get(f"/dev/mail/{message_id}/")
    assert page.status_code == 404
    assert "Subject: secret" not in text_of(page)


def test_there_is_no_mailbox_in_production_nor_on_other_hosts(
    client: Client, settings: Any, acme: Isp
) -> None:
    write("Mail")
    message_id = mailbox.messages()[0]["id"]
    for host in (acme.console_host, acme.workspace_host):
        assert client.get("/dev/mail/", headers={"host": host}).status_code == 404
    settings.DEVELOPMENT = False
    assert client.get("/dev/mail/").status_code == 404
    assert client.get(f"/dev/mail/{message_id}/").status_code == 404
