"""A browser for the tests: cookies by host, as real ones keep them, and redirects across hosts."""

import re
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User
from apps.tenancy.kinds import schema_of


class Browser:
    """Visits absolute addresses; `page` is the last answer, `address` where it was."""

    def __init__(self) -> None:
        self.hosts: dict[str, Client] = {}
        self.address = f"http://{settings.BASE_DOMAIN}:8000/"
        self.page = HttpResponse()

    def client(self, host: str) -> Client:
        """The cookies of one host."""
        return self.hosts.setdefault(host, Client())

    def visit(self, address: str, *, follow: bool = True, **headers: str) -> HttpResponse:
        """GET an address; a path stays on the host where the browser is."""
        return self._send("get", address, follow=follow, headers=headers)

    def submit(
        self, address: str, data: dict[str, Any] | None = None, *, follow: bool = True
    ) -> HttpResponse:
        """POST a form."""
        return self._send("post", address, data or {}, follow=follow)

    def sign_in(self, email: str, password: str) -> HttpResponse:
        """Log in at the operator."""
        url = f"http://{settings.BASE_DOMAIN}:8000/accounts/login/"
        return self.submit(url, {"login": email, "password": password})

    def _send(
        self,
        method: str,
        address: str,
        data: dict[str, Any] | None = None,
        *,
        follow: bool,
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        for _hop in range(12):
            parts = urlsplit(address)
            if not parts.netloc:
                here = urlsplit(self.address)
                parts = parts._replace(scheme=here.scheme, netloc=here.netloc)
            self.address = parts.geturl()
            send = getattr(self.client(parts.hostname or ""), method)
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            self.page = send(
                path,
                data,
                secure=parts.scheme == "https",
                headers={"host": parts.netloc, **(headers or {})},
            )
            if not follow or self.page.status_code not in (301, 302, 303):
                return self.page
            method, data, address = "get", None, self.page["Location"]
        raise AssertionError(f"Redirects go round in circles at {self.address}")


def way_out(page: HttpResponse) -> str:
    """Where the page leads on by itself that stands before a provider's."""
    assert page.status_code == 200, text_of(page)
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found is not None, text_of(page)
    return unescape(found[1])


def text_of(page: HttpResponse) -> str:
    """The page's text with entities and white space as a reader sees them."""
    plain = page.content.decode()
    for entity, sign in (("&#x27;", "'"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(entity, sign)
    return " ".join(plain.split())


def person_in(browser: Browser, host: str, schema: str) -> str:
    """The e-mail of who is signed in at a host, or nothing."""
    cookie = browser.client(host).cookies.get(settings.SESSION_COOKIE_NAME)
    with schema_of(schema):
        session = SessionStore(cookie.value if cookie else None)
        user = User.objects.filter(pk=session.get(SESSION_KEY, 0)).first()
    return user.email if user else ""
