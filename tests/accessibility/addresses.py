"""Every page that there is: from the URL patterns of each kind, so that a new one is found.

A page is what answers a GET with a whole HTML document. Who asks is the owner, a stranger where
the address is open to everybody, and a customer in the portal.
"""

import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.urls import get_resolver

from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from tests.accessibility.world import CUSTOMER, OWNER, SCHEMAS
from tests.pages.test_every_address import HOSTS, OPEN, walk

STRANGER = ""
# A customer's own: the portal, and what is done with a passkey.
CUSTOMER_S = {
    "portal_home",
    "portal_services",
    "portal_account",
    "mfa_edit_webauthn",
    "mfa_remove_webauthn",
}
# What a parameter means where it is not the row of the admin's page.
_VALUES = {
    "app": "shop",
    "app_label": "accounts",
    "slug": "acme",
    "number": "0",
    "scheme": "light",
}
# Pages that are shown only on the way through others, and what is no page of ours, and why.
ELSEWHERE = {
    "account_personal_steps": "a part of a page, while one’s file is made",
    "admin:autocomplete": "JSON for a field",
    "admin:django.contrib.admin.sites.AdminSite.catch_all_view": "what is not there",
    "admin:export_file": "a file",
    "admin:list_export": "a file",
    "admin:record_export_file": "a file",
    "admin:view_on_site": "nothing of ours has an address elsewhere",
    "brand_logo": "a picture",
    "github_callback": "back from a provider",
    "github_login": "to a provider",
    "idp:oidc:authorization": "a client's question: the page of consent is among the others",
    "mail": "the mailbox of development: tests/e2e looks at it",
    "mail_html": "a mail",
    "mail_sample": "a mail",
    "openid_connect_callback": "back from a provider",
    "openid_connect_login": "to a provider",
    "saml_finish": "back from a provider",
    "saml_login": "to a provider",
    "saml_metadata": "a file",
    "sso_authorize": "a console's question",
    "sso_enter": "its refusal is among the errors",
    "sso_visit": "its refusal is among the errors",
}


@dataclass(frozen=True)
class Page:
    """A page's kind and name, its path, and who asks for it."""

    kind: str
    name: str
    path: str
    who: str

    @property
    def host(self) -> str:
        """The host that it is at."""
        return HOSTS[self.kind]


class Marks(dict[str, str]):
    """Leaves every parameter's name in the path."""

    def get(self, name: str, _default: Any = None) -> Any:
        return f"~{name}~"


def everything(kind: str, known: dict[str, str]) -> Iterator[Page]:
    """All addresses of a kind but the API's, with parameters that lead to rows (world.fill)."""
    patterns = get_resolver(f"config.urls.{kind}").url_patterns
    for name, path in walk(patterns, Marks()):
        if not path.startswith(("/api/v1/", "/static/")):
            yield Page(kind, name, _filled(kind, name, path, known), _asker(name))


def others(known: dict[str, str]) -> list[Page]:
    """Pages that no pattern tells apart: an address that shows more than one."""
    return [
        Page("operator", "consent", known["consent"], OWNER),
        Page("operator", "list of nothing", "/admin/accounts/user/?q=nobody-is-called-so", OWNER),
        Page("operator", "list that is sorted", "/admin/accounts/user/?o=1.-2", OWNER),
        Page("operator", "imported tenants of a slug", f"{_IMPORTED}?slug=brought", OWNER),
        Page("workspace", "portal for staff", "/", OWNER),
        Page("workspace", "list that is filtered", _FILTERED, OWNER),
    ]


_IMPORTED = "/admin/tenants/organisation/imported/"
_FILTERED = "/admin/subscribers/subscriber/?status__exact=active"


def _asker(name: str) -> str:
    if name in CUSTOMER_S:
        return CUSTOMER
    return STRANGER if name in OPEN else OWNER


def _filled(kind: str, name: str, path: str, known: dict[str, str]) -> str:
    row = re.match(r"/admin/(\w+)/(\w+)/~(?:pk|object_id|due_id)~", path)
    if row:
        path = re.sub(r"~\w+~", _row(kind, row[1], row[2]), path, count=1)
    wanted = {**_VALUES, "operation_id": _operation(kind)}

    def value(found: re.Match[str]) -> str:
        said = known.get(f"{name} {found[1]}") or known.get(f"{kind} {found[1]}")
        return said or wanted.get(found[1], "1")

    return re.sub(r"~(\w+)~", value, path)


def _row(kind: str, app: str, model: str) -> str:
    with schema_of(SCHEMAS[kind]):
        found = apps.get_model(app, model)._default_manager.order_by("pk").first()
    assert found is not None, f"tests/accessibility/world.py makes no {app}.{model} at the {kind}"
    return str(found.pk)


def _operation(kind: str) -> str:
    with schema_of(SCHEMAS[kind]):
        return str(Operation.objects.earliest("pk").uuid)


def answer(port: int, page: Page, cookie: str) -> tuple[int, str]:
    """What a GET gets: its status, and where it leads or what it is (“page”, “part”, “file”)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": f"{page.host}:{port}"} | ({"Cookie": cookie} if cookie else {})
    connection.request("GET", page.path, headers=headers)
    found = connection.getresponse()
    text = found.read().decode(errors="replace")
    connection.close()
    if found.headers.get("Location"):
        return found.status, found.headers["Location"]
    if not found.headers.get("Content-Type", "").startswith("text/html"):
        return found.status, "file"
    return found.status, "page" if "<html" in text else "part"
