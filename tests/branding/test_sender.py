"""A level's own sender: mails leave by its own server, under its own address."""

import base64
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from pathlib import Path
from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.branding import senders
from apps.branding.domains import BAD, OK, UNKNOWN, WARN, NoAnswerError, check_domain
from apps.branding.models import Sender
from apps.branding.smtp import OwnServer
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from dotmac.crypto.local_ca import ensure_certificate, ensure_local_ca
from dotmac.net import Reach
from dotmac.net.reach import resolve
from tests.accounts.browser import text_of
from tests.branding.smtp_server import MailServer, mail_server
from tests.conftest import Isp
from tests.pages.conftest import browser, signed_in

PAGE = "/admin/branding/sender/"
PASSWORD = "pass-word-of-the-server"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


def save(client: Client, server: MailServer, **changes: Any) -> Any:
    said = {
        "address": "billing@acme.example",
        "host": "127.0.0.1",
        "port": server.port,
        "security": "none",
        "username": "acme",
        "password": PASSWORD,
        "is_on": "on",
        "version": 0,
    }
    return client.post(PAGE, {**said, **changes})


def forget_password(host: str, schema: str) -> None:
    with schema_of(schema):
        create_user(email="dora@example.com", password="x", is_verified=True, actor=SYSTEM)
    browser(host).post("/accounts/password/reset/", {"email": "dora@example.com"})


def test_mails_leave_by_the_own_server_under_the_own_address(
    alice: Client, server: MailServer, acme: Isp, initech: Isp
) -> None:
    assert save(alice, server).status_code == 302
    forget_password(acme.workspace_host, acme.workspace)
    (sent,) = server.mails
    assert mail.outbox == []
    parsed = message_from_bytes(sent, policy=policy.default)
    assert parsed["From"] == "Acme Fiber <billing@acme.example>"
    login = base64.b64encode(f"\0acme\0{PASSWORD}".encode()).decode()
    assert f"AUTH PLAIN {login}" in server.said
    # Nobody else's mail goes there.
    forget_password(initech.workspace_host, initech.workspace)
    assert len(server.mails) == 1
    assert "@acme.example" not in mail.outbox[0].from_email


def test_switched_off_mails_leave_as_before(alice: Client, server: MailServer, acme: Isp) -> None:
    save(alice, server, is_on="")
    forget_password(acme.workspace_host, acme.workspace)
    assert server.mails == []
    assert "no-reply@" in mail.outbox[0].from_email


def test_the_password_is_encrypted_shown_to_nobody_and_bound_to_its_server(
    alice: Client, server: MailServer, acme: Isp
) -> None:
    save(alice, server)
    assert PASSWORD not in alice.get(PAGE).content.decode()
    with schema_of(acme.workspace):
        row = Sender.objects.get()
        assert PASSWORD not in row.password
        assert PASSWORD not in str(list(Event.objects.values_list("data", flat=True)))
    save(alice, server, password="", version=1)
    with schema_of(acme.workspace):
        assert Sender.objects.get().password == row.password
    # Who points it elsewhere must know the password.
    page = save(alice, server, password="", host="localhost", version=2)
    assert "Enter the password that belongs to it" in text_of(page)
    save(alice, server, password="", host="localhost", version=2, is_on="")
    with schema_of(acme.workspace):
        assert Sender.objects.get().password == ""


def test_an_owner_tries_it_and_reads_what_the_server_said(
    alice: Client, server: MailServer
) -> None:
    assert "Switch it on first" in text_of(alice.post(f"{PAGE}test/", follow=True))
    save(alice, server)
    assert "took a mail to alice@acme.example" in text_of(alice.post(f"{PAGE}test/", follow=True))
    assert len(server.mails) == 1
    server.refusal = "550 no such user"
    page = text_of(alice.post(f"{PAGE}test/", follow=True))
    assert "did not take it" in page
    assert "no such user" in page
    assert PASSWORD not in page


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"address": ""}, "Enter the address and the server first"),
        ({"host": ""}, "Enter the address and the server first"),
        ({"host": "a b"}, "Enter a valid value"),
        ({"host": "a..b"}, "Enter a valid value"),
        ({"address": "no address"}, "Enter a valid email address"),
        ({"dkim_selector": "a..b/../x"}, "Enter a valid value"),
        ({"version": 7}, "Somebody else has changed this"),
    ],
)
def test_what_cannot_work_is_said(
    alice: Client, server: MailServer, acme: Isp, changes: dict[str, Any], why: str
) -> None:
    assert why in text_of(save(alice, server, **changes))
    with schema_of(acme.workspace):
        assert not Sender.objects.filter(is_on=True).exists()


def test_outside_of_development_it_reaches_no_inner_service(
    alice: Client, server: MailServer, settings: Any
) -> None:
    settings.DEVELOPMENT = False
    assert "listen on 465" in text_of(save(alice, server))
    page = save(alice, server, port=587)
    assert "not sent without encryption" in text_of(page)
    hidden = ("64:ff9b::a00:1", "2002:a00:1::1", "::ffff:10.0.0.1", "224.0.0.1", "::1")
    for host in ("127.0.0.1", "10.0.0.1", *hidden):
        with pytest.raises(OSError, match="not a public address"):
            OwnServer(host=host, port=587).open()
    with pytest.raises(OSError, match="not a mail server's port"):
        OwnServer(host="127.0.0.1", port=server.port).open()
    assert server.said == []
    assert resolve("9.9.9.9", 587, Reach()) == ["9.9.9.9"]


def test_only_owners_see_or_change_it(server: MailServer, acme: Isp, db: None) -> None:
    nobody = browser(acme.workspace_host)
    sam = signed_in(acme.workspace_host, acme.workspace, "sam@acme.example")
    with schema_of(acme.workspace):
        User.objects.update(is_superuser=False)
    for path in (PAGE, f"{PAGE}test/", f"{PAGE}domain/"):
        assert nobody.post(path).status_code == 302
        assert sam.post(path).status_code == 403
    assert sam.get(PAGE).status_code == 403


ZONE = {
    "good.example": ["v=spf1 include:mail.example -all", "another=record"],
    "s1._domainkey.good.example": ["v=DKIM1; k=rsa; p=MIGf"],
    "_dmarc.good.example": ["v=DMARC1; p=reject"],
    "weak.example": ["v=spf1 a"],
    "s1._domainkey.weak.example": ["v=DKIM1; p="],
    "_dmarc.weak.example": ["v=DMARC1;p=none"],
    "wrong.example": ["v=spf1 +all"],
    "_dmarc.wrong.example": ["v=DMARC1; rua=mailto:x@wrong.example"],
    "twice.example": ["v=spf1 -all", "v=spf1 ~all"],
    "_dmarc.twice.example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"],
    "near.example": ["v=spf10 -all"],
}


@pytest.mark.parametrize(
    ("domain", "selector", "tones"),
    [
        ("good.example", "s1", [OK, OK, OK]),
        ("good.example", "", [OK, UNKNOWN, OK]),
        ("weak.example", "s1", [WARN, BAD, WARN]),
        ("wrong.example", "s1", [BAD, BAD, BAD]),
        ("twice.example", "s1", [BAD, BAD, BAD]),
        ("near.example", "s1", [BAD, BAD, BAD]),
        ("none.example", "s1", [BAD, BAD, BAD]),
    ],
)
def test_each_check_says_how_it_came_out(domain: str, selector: str, tones: list[str]) -> None:
    found = check_domain(domain, selector=selector, ask=lambda _kind, name: ZONE.get(name, []))
    assert [check.tone for check in found] == tones
    assert [check.name for check in found] == ["SPF", "DKIM", "DMARC"]
    assert all(check.text for check in found)


def test_without_an_answer_nothing_is_claimed() -> None:
    def silent(_kind: str, name: str) -> list[str]:
        raise NoAnswerError(name)

    assert {check.tone for check in check_domain("x.example", selector="s", ask=silent)} == {
        UNKNOWN
    }


def test_an_unreadable_password_opens_nothing(alice: Client, server: MailServer, acme: Isp) -> None:
    save(alice, server)
    with schema_of(acme.workspace):
        row = Sender.objects.get()
        row.password = "damaged"
        with pytest.raises(Exception, match="opens with none of the keys"):
            senders.server_of(row)


def test_a_server_that_fails_keeps_nobody_from_a_new_password(
    alice: Client, server: MailServer, acme: Isp
) -> None:
    save(alice, server)
    server.refusal = "554 5.7.1 relay denied"
    forget_password(acme.workspace_host, acme.workspace)
    assert server.mails == []
    (sent,) = mail.outbox
    assert "Acme Fiber <no-reply@" in sent.from_email


@pytest.mark.parametrize("wrong", [{"username": "ä", "password": "ö"}, {"host": "x" * 64 + ".se"}])
def test_what_no_server_understands_is_an_error_of_mail(
    server: MailServer, wrong: dict[str, str]
) -> None:
    known = {"host": "127.0.0.1", "username": "", "password": "", **wrong}
    with pytest.raises((SMTPException, OSError)):
        OwnServer(port=server.port, **known).send_messages([mail.EmailMessage(to=["a@b.se"])])


@pytest.mark.parametrize("is_found_late", [False, True])
def test_a_server_that_answers_a_letter_at_a_time_is_cut_off(
    is_found_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def late(*asked: Any, **how: Any) -> Any:
        # The line comes to be when the deadline is over.
        time.sleep(1)
        return look_up(*asked, **how)

    with socket.create_server(("127.0.0.1", 0)) as tarpit:

        def drip() -> None:
            line, _address = tarpit.accept()
            with line, suppress(OSError):
                for _letter in range(300):
                    line.send(b"2")
                    time.sleep(0.1)

        if is_found_late:
            monkeypatch.setattr(socket, "getaddrinfo", late)
        threading.Thread(target=drip, daemon=True).start()
        port, began = tarpit.getsockname()[1], time.monotonic()
        with pytest.raises((SMTPException, OSError)):
            OwnServer(host="127.0.0.1", port=port, deadline_s=0.5).send_messages(
                [mail.EmailMessage(to=["a@b.se"])]
            )
        assert time.monotonic() - began < 15


def test_over_tls_the_certificate_must_be_that_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = ensure_local_ca(tmp_path / "ca")
    leaf = ensure_certificate(authority, tmp_path / "leaf", ["localhost"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(leaf.certificate, leaf.key)

    def send(host: str) -> None:
        own = OwnServer(host=host, port=server.port, use_ssl=True, deadline_s=5)
        own.send_messages([mail.EmailMessage("Hi", to=["a@b.se"])])

    with mail_server(tls) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            send("localhost")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
        with pytest.raises(ssl.SSLCertVerificationError):
            send("127.0.0.1")
        send("localhost")
        assert len(server.mails) == 1
