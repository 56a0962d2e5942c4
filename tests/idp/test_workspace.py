"""A workspace's own OpenID sign-in against the operator's provider, over HTTP."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.db import connection, connections
from django.test import Client

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.net import GuardedSession
from apps.accounts.providers.services import save_provider
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Organisation
from dotmac.crypto.secret import Secret
from tests.accounts.browser import Browser, way_out
from tests.accounts.conftest import PASSWORD
from tests.accounts.people import ACME, FRONT, is_in
from tests.idp.clients import consent, register

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
BACK = f"{ACME}/accounts/oidc/dotmac/login/callback/"


class _Operator(BaseHTTPRequestHandler):
    """The operator's host on a port of its own, in the database of the test."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        names = ("Authorization", "Accept")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        # The connection is the test's, which waits in the schema of the workspace meanwhile.
        with schema_of(connection.schema_name):
            answer = Client().generic(
                method,
                self.path,
                body,
                self.headers.get("Content-Type", "application/octet-stream"),
                headers={"host": "dotmac.localhost:8000", **headers},
            )
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def operator_over_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the workspace asks of the operator goes over a socket."""
    # The thread takes the test's own connection.
    shared = connections["default"]
    shared.inc_thread_sharing()

    class Handler(_Operator):
        def handle(self) -> None:
            connections["default"] = shared
            super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    send, there = GuardedSession.send, f"http://127.0.0.1:{server.server_address[1]}"

    def sent(self: Any, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        request.url = str(request.url).replace(FRONT, there)
        return send(self, request, **kwargs)

    monkeypatch.setattr(GuardedSession, "send", sent)
    yield
    server.shutdown()
    server.server_close()
    shared.dec_thread_sharing()


@pytest.mark.usefixtures("operator_over_http")
def test_a_workspace_signs_its_people_in_with_the_operator(
    browser: Browser, northwind: Organisation, acme: Any
) -> None:
    tool = register(northwind, name="Acme’s workspace", redirect_uris=[BACK])
    row = IdentityProvider(
        kind="oidc",
        key="dotmac",
        name="DotMac",
        client_id=tool.id,
        issuer=FRONT,
        domains=["example.net"],
        creates_people=True,
    )
    with schema_of(acme.workspace):
        save_provider(row, secret=Secret(tool.secret), actor=SYSTEM)
    browser.sign_in("alice@example.net", PASSWORD)
    address = f"{ACME}/accounts/oidc/dotmac/login/?process=login"
    leave = browser.submit(address, follow=False)
    there = way_out(leave)
    assert there.startswith(f"{FRONT}/identity/authorize?")
    assert "code_challenge_method=S256" in there
    back = consent(browser, there)
    assert back["Location"].startswith(BACK)
    browser.visit(back["Location"], follow=False)
    assert is_in(browser, ACME)
    with schema_of(acme.workspace):
        assert User.objects.get().email == "alice@example.net"
        sub = SocialAccount.objects.get().uid
    with schema_of("public"):
        assert str(User.objects.get(email="alice@example.net").uuid) == sub


@pytest.mark.usefixtures("operator_over_http")
def test_an_outsider_of_the_organisation_does_not_get_into_the_workspace(
    browser: Browser, northwind: Organisation, acme: Any, person: Callable[..., User]
) -> None:
    person("mallory")
    tool = register(northwind, redirect_uris=[BACK])
    row = IdentityProvider(
        kind="oidc",
        key="dotmac",
        name="DotMac",
        client_id=tool.id,
        issuer=FRONT,
        domains=["example.net"],
        creates_people=True,
    )
    with schema_of(acme.workspace):
        save_provider(row, secret=Secret(tool.secret), actor=SYSTEM)
    browser.sign_in("mallory@example.net", PASSWORD)
    leave = browser.submit(f"{ACME}/accounts/oidc/dotmac/login/?process=login", follow=False)
    assert browser.visit(way_out(leave)).status_code == 403
    assert not is_in(browser, ACME)
