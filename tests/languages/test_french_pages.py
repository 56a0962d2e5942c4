"""Pages in French: whatever is long and the same in both languages was forgotten."""

import re
from html.parser import HTMLParser

from django.test import Client

from tests.conftest import Isp
from tests.instances.world import Shop
from tests.pages.conftest import OPERATOR_HOST
from tests.pages.test_pages import console_pages, operator_pages

_HIDDEN = {"script", "style", "code", "pre"}
# Names, addresses and what people or programs wrote are the same in every language.
_SAME = re.compile(
    r"@|\.localhost|\.example|https?://|^[\W\d]+$|^[a-z]+([._][a-z0-9]+)+$|[A-Z]{2,}.*\d"
    r"|DotMac|Acme Fiber|OpenID|Content-Type|(?i:français)|[MG]iB"
    # Names of the test's own, and what its system wrote into a log.
    r"|This machine|Deploy Shop|Something of the tests happens|settings complete"
    r"|Running: dm-|Shared calendars"
)


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        # Many a country is called the same, and zones have names of their own.
        is_named = tag == "option" and re.fullmatch(
            "[A-Z]{2}|[A-Z][A-Za-z]+/.+", named.get("value") or ""
        )
        if tag in _HIDDEN or is_named:
            self._within.append(tag)
        self.texts |= {
            str(named[n]) for n in ("aria-label", "title", "placeholder") if named.get(n)
        }

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.texts.add(" ".join(data.split()))


def sentences(client: Client, path: str, code: str) -> set[str]:
    """The texts of two words or more that a page shows in a language."""
    page = client.get(path, headers={"accept-language": code})
    assert page.status_code == 200, path
    assert page["Content-Language"] == code, path
    reader = _Texts()
    reader.feed(page.content.decode())
    return {text for text in reader.texts if len(re.findall(r"[A-Za-z]{2,}", text)) >= 2}


def forgotten(client: Client, paths: list[str]) -> dict[str, set[str]]:
    """What each page says in French as in English."""
    found = {}
    for path in paths:
        same = sentences(client, path, "en") & sentences(client, path, "fr")
        left = {text for text in same if not _SAME.search(text)}
        if left:
            found[path] = left
    return found


def test_the_operator_s_pages(root: Client, running_shop: Shop) -> None:
    paths = [*operator_pages(running_shop), "/admin/billing/plan/", "/admin/branding/brand/"]
    paths += ["/admin/accounts/user/", "/accounts/security/", "/notifications/settings/"]
    assert forgotten(root, paths) == {}


def test_the_console_s_pages(alice: Client, running_shop: Shop) -> None:
    paths = [*console_pages(running_shop), "/admin/webhooks/endpoint/", "/admin/events/event/"]
    paths += ["/admin/branding/sender/", "/admin/accounts/signinpolicy/", "/notifications/"]
    assert forgotten(alice, paths) == {}


def test_the_workspace_s_pages(alice_at_work: Client, acme: Isp) -> None:
    names = ("subscriber/", "subscriber/add/", "service/", "subscriber/import/")
    paths = ["/admin/", *(f"/admin/subscribers/{name}" for name in names), "/"]
    assert forgotten(alice_at_work, paths) == {}


def test_public_pages(operator_schema: None, acme: Isp) -> None:
    stranger = Client(headers={"host": OPERATOR_HOST})
    paths = ["/", "/signup/account/", "/accounts/login/", "/accounts/password/reset/"]
    assert forgotten(stranger, paths) == {}
    customer = Client(headers={"host": acme.workspace_host})
    assert forgotten(customer, ["/accounts/login/"]) == {}


def test_the_french_of_an_event_and_of_a_step(alice: Client, running_shop: Shop) -> None:
    path = f"/operations/{running_shop.operation.uuid}/steps/"
    page = alice.get(path, headers={"accept-language": "fr"}).content.decode()
    assert "Réserver une place" in page
    assert "Terminé : les 10 étapes ont abouti".replace(" :", "\N{NO-BREAK SPACE}:") in page
