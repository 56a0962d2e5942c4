"""What a browser does at somebody else's web server: cookies, redirects and forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

_HOPS = 12


@dataclass
class Form:
    """A form of a page, with what its fields hold."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)


class Visitor:
    """Somebody at a provider; what our own sites keep is in `Browser`."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.client = httpx.Client(trust_env=False, timeout=20)

    def open(self, address: str) -> httpx.Response:
        """The page there, or the redirect that leads away from the provider."""
        return self._went(self.client.get(address))

    def submit(self, page: httpx.Response, **entered: str) -> httpx.Response:
        """Send the page's form with what was entered, as `open` does."""
        form = form_of(page)
        address = urljoin(str(page.url), form.action)
        return self._went(self.client.post(address, data={**form.fields, **entered}))

    def _went(self, page: httpx.Response) -> httpx.Response:
        for _hop in range(_HOPS):
            there = urljoin(str(page.url), page.headers.get("location", ""))
            if not page.is_redirect or not there.startswith(self.provider):
                return page
            page = self.client.get(there)
        raise AssertionError(f"Redirects go round in circles at {page.url}")


def form_of(page: httpx.Response) -> Form:
    """The page's only or last form; AssertionError where there is none."""
    reader = _Forms()
    reader.feed(page.text)
    assert reader.forms, f"{page.status_code} {page.url}: {page.text[:3000]}"
    return reader.forms[-1]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(said.get("action", "")))
        elif tag in ("input", "button") and self.forms and said.get("name"):
            self.forms[-1].fields[said["name"]] = said.get("value", "")
