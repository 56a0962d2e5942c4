"""Somebody with a browser's cookies, who reaches a workspace through the edge by its host name."""

import re
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode

import urllib3

from tests.live_platform import LivePlatform


class Page(NamedTuple):
    """What came back."""

    status: int
    text: str
    location: str


class Visitor:
    """Keeps the cookies of one host; redirects are returned, not followed."""

    def __init__(self, platform: LivePlatform, host: str) -> None:
        self._origin = f"https://{host}:{platform.ports['https']}"
        self._cookies: SimpleCookie = SimpleCookie()
        self._pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1",
            platform.ports["https"],
            ca_certs=str(platform.folder / "keys" / "ca.pem"),
            server_hostname=host,
            assert_hostname=host,
            timeout=30,
        )

    def get(self, path: str, **headers: str) -> Page:
        """A page."""
        return self.send("GET", path, **headers)

    def submit(self, path: str, **fields: str) -> Page:
        """A form, with the token that its page carries."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path).text)
        assert token is not None, f"{path} has no form"
        body = urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", path, body, **kind, Referer=f"{self._origin}{path}")

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Page:
        """Any request."""
        cookies = "; ".join(f"{key}={one.value}" for key, one in self._cookies.items())
        given = {"Host": self._origin.removeprefix("https://"), **headers}
        if cookies:
            given["Cookie"] = cookies
        answer = self._pool.request(
            method, path, body=body, headers=given, redirect=False, retries=False
        )
        for cookie in answer.headers.getlist("set-cookie"):
            self._cookies.load(cookie)
        return Page(answer.status, answer.data.decode(), answer.headers.get("location", ""))
