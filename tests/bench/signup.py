"""Sign-up on Starter: from the button of the last step to the first page of the console."""

import http.client
import re
import time
from collections.abc import Mapping
from importlib import import_module
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from apps.accounts.constants import SIGN_UP
from apps.accounts.services import create_user
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator
from apps.tenancy.spares import missing_spares
from tests.bench.result import Result, percentile, spread
from tests.live_platform import BASE, LivePlatform, until

_TURNS = 20
_BAR_MS = 300


class Browser:
    """Follows redirects from host to host with the cookies of each, as a browser does."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, dict[str, str]] = {}

    def get(self, address: str) -> str:
        """The text of the page in the end."""
        return self._ask("GET", address, None)

    def post(self, address: str, fields: Mapping[str, str]) -> str:
        """Send a form; the text of the page in the end."""
        token = self.cookies[str(urlsplit(address).hostname)][settings.CSRF_COOKIE_NAME]
        return self._ask("POST", address, {**fields, "csrfmiddlewaretoken": token})

    def _ask(self, method: str, address: str, fields: Mapping[str, str] | None) -> str:
        for _hop in range(10):
            parts = urlsplit(address)
            host = str(parts.hostname)
            jar = self.cookies.setdefault(host, {})
            headers = {
                "Host": parts.netloc,
                "X-Forwarded-Proto": "https",
                "Cookie": "; ".join(f"{name}={value}" for name, value in jar.items()),
            }
            body = None
            if fields is not None:
                body = urlencode(fields)
                headers |= {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Origin": f"https://{parts.netloc}",
                    "Referer": address,
                }
            self.connection.request(method, f"{parts.path}?{parts.query}", body, headers)
            answer = self.connection.getresponse()
            text = answer.read().decode()
            for cookie in answer.headers.get_all("Set-Cookie") or ():
                name, _is, value = cookie.partition(";")[0].partition("=")
                jar[name] = value
            if answer.status not in (301, 302, 303):
                assert answer.status == 200, (address, answer.status)
                return text
            to = answer.headers["Location"]
            address = to if to.startswith("http") else f"https://{parts.netloc}{to}"
            method, fields = "GET", None
        raise AssertionError(f"{address} leads on and on")


def measure(platform: LivePlatform) -> list[Result]:
    """Somebody new each time, who has answered all questions before."""
    browsers = [_at_the_last_step(platform, number) for number in range(_TURNS + 2)]
    taken = [_create(platform, browser, number) for number, browser in enumerate(browsers)][2:]
    slow = percentile(taken, 0.5) * 1000
    return [
        Result(
            "sign-up (Starter): the button to the first page of the console",
            spread(taken, unit="ms"),
            "",
            f"{slow:.0f} ms",
            f"≤ {_BAR_MS} ms",
            slow <= _BAR_MS,
        )
    ]


def _at_the_last_step(platform: LivePlatform, number: int) -> Browser:
    slug = f"signs-up-{number}"
    with operator():
        person = create_user(
            email=f"owner@{slug}.example",
            password="a-long-passphrase",
            name="Owner",
            is_verified=True,
            actor=SYSTEM,
        )
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[1]
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session[SIGN_UP] = {
            "organisation": {"name": f"ISP {slug}", "slug": slug},
            "place": {
                "country": "NO",
                "currency": "NOK",
                "timezone": "Europe/Oslo",
                "region": "local",
            },
        }
        session.save()
    browser = Browser(platform.ports["web"])
    browser.cookies[BASE] = {settings.SESSION_COOKIE_NAME: str(session.session_key)}
    return browser


def _create(platform: LivePlatform, browser: Browser, number: int) -> float:
    """Seconds from the button to the page."""
    address = f"https://{BASE}:{platform.ports['https']}/signup/plan/"
    page = browser.get(address)
    key = re.search(r'name="idempotency_key" value="([^"]+)"', page)
    assert key is not None, page[:2000]
    # Sign-ups do not come every second: the platform has got ready for the next one.
    until(lambda: missing_spares() == 0, what="Schemas for sign-ups")
    began = time.perf_counter()
    text = browser.post(address, {"plan": "starter", "idempotency_key": key[1]})
    seconds = time.perf_counter() - began
    assert f"ISP signs-up-{number}" in text, text[:2000]
    return seconds
