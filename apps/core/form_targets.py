"""Where forms of a page may lead beside its own host, which the content policy tells browsers.

Browsers hold it against the redirects after a form too, so a host counts that is only passed.
"""

import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from django.http import HttpRequest

Targets = Callable[[HttpRequest], Iterable[str]]
# What a source of a policy can name: no address of IPv6, and nothing that would end it.
_HOST = re.compile(r"(\*\.)?[a-z0-9.-]+(:\d{1,5})?\Z")
_SCHEME = re.compile(r"[a-z][a-z0-9.+-]*\Z")

_targets: list[Targets] = []


def forms_lead_to(targets: Targets) -> Targets:
    """Register addresses of other hosts, in the schema of the request whose page has forms."""
    _targets.append(targets)
    return targets


def form_targets(request: HttpRequest) -> list[str]:
    """The sources for a page, each once."""
    found = (_source(address) for targets in _targets for address in targets(request))
    return list(dict.fromkeys(filter(None, found)))


def _source(address: str) -> str:
    """Scheme and host of an address; the scheme alone of an app's own; empty for what is none."""
    parts = urlsplit(address)
    host = parts.netloc.lower()
    if parts.scheme in ("http", "https"):
        return f"{parts.scheme}://{host}" if _HOST.match(host) else ""
    return f"{parts.scheme}:" if _SCHEME.match(parts.scheme) else ""
