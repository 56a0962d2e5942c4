"""Every list in the admins, by the URL patterns of each kind, so that a new one is found."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import get_resolver

from tests.pages.test_every_address import walk

HOMES = {
    "operator": ["/admin/", "/notifications/"],
    "console": ["/admin/", "/notifications/"],
    "workspace": ["/admin/", "/notifications/"],
}
# Settings, of which a schema has one row: the address of their list shows that.
_ONE_ROW = {
    "accounts.signinpolicy",
    "backups.backuptarget",
    "branding.brand",
    "branding.sender",
    "certificates.acmeaccount",
    "notifications.smsgateway",
}


@dataclass(frozen=True)
class List:
    """A list's address, and the model whose rows it shows."""

    path: str
    model: str


def lists(kind: str) -> Iterator[List]:
    """The lists of a kind's admin."""
    for name, path in walk(get_resolver(f"config.urls.{kind}").url_patterns, {}):
        found = re.fullmatch(r"admin:([a-z]+)_(\w+)_changelist", name)
        if found and (model := f"{found[1]}.{found[2]}") not in _ONE_ROW:
            yield List(path, model)
