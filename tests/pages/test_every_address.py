"""Every address of every kind of schema: what a stranger gets there was thought about.

A new view fails here until it asks who is there, or stands in one of the lists below.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver, path

from apps.work.models import Due
from tests.instances.world import Shop
from tests.pages.conftest import browser

HOSTS = {
    "operator": "dotmac.localhost",
    "console": "acme.dotmac.localhost",
    "workspace": "acme.apps.localhost",
}
_SIGN_IN = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_email_verification_sent",
    "account_confirm_email",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_set_password",
    # Opened by the signature in the link of a mail.
    "account_end_session",
    # To an identity provider, which an owner set up, and back.
    "openid_connect_login",
    "openid_connect_callback",
    # Of the OpenID provider: opened by a client's secret, a token, or a code.
    "idp:oidc:configuration",
    "idp:oidc:jwks",
    "idp:oidc:authorization",
    "idp:oidc:token",
    "idp:oidc:userinfo",
    "idp:oidc:revoke",
    "saml_login",
    "saml_acs",
    "saml_finish",
    "saml_metadata",
    "github_login",
    "github_callback",
    "socialaccount_login_cancelled",
    "account_signup",
    # Opened by the text in the link of a mail.
    "account_invitation",
    "organisation_invitation",
    "admin:login",
    "admin:logout",
    "sso_login",
    "sso_enter",
    # Opened by the platform's signature in the link.
    "sso_visit",
}
# Meant for everybody, whoever they are.
OPEN = {
    *_SIGN_IN,
    "schema",
    "api_docs",
    "api_errors",
    "no_such_resource",
    "admin:jsi18n",
    # Everybody chooses the language they read; by POST, with CSRF.
    "set_language",
    # The operator's front, and sign-up, which begins without an account.
    "front",
    "signup",
    "signup_account",
    "signup_verify",
    "signup_verify_check",
    "signup_resend",
    "signup_organisation",
    "signup_slug_check",
    "signup_place",
    "signup_place_defaults",
    "signup_plan",
    # A development machine's mailbox; in production it is not there (tests/core).
    "mailbox",
    "mail",
    "mail_html",
    "mail_samples",
    "mail_sample",
    # A console's first page only leads on to its admin.
    "home",
    # Opened by the platform's signature in the body.
    "grant",
    # Files of the brand, which sign-in pages and mails show.
    "brand_colours",
    # Opened by the token of the schema.
    "notification_bounces",
    "brand_mark",
    "brand_logo",
}


@dataclass(frozen=True)
class Address:
    """One address with its parameters filled in."""

    kind: str
    name: str
    path: str


def name_of(pattern: URLPattern, space: str) -> str:
    view = pattern.callback
    name = pattern.name or f"{view.__module__}.{getattr(view, '__qualname__', view)}"
    return f"{space}:{name}" if space else str(name)


def filled(route: str, values: dict[str, str]) -> str:
    """A path or a regular expression with its parameters filled in."""

    def value(found: re.Match[str]) -> str:
        return values.get(found["name"]) or _SAMPLES[found["kind"] or "str"]

    group = r"\(\?P<(\w+)>(?:[^()]|\((?:[^()])*\))*\)"
    route = re.sub(group, lambda found: values.get(found[1], "1"), route)
    route = re.sub(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>", value, route)
    return re.sub(r"[\^$]|\\Z|\(\?:\.\*/\)\?", "", route)


def walk(
    patterns: list[Any], values: dict[str, str], prefix: str = "/", space: str = ""
) -> Iterator[tuple[str, str]]:
    """Names and paths of all that lies below."""
    for pattern in patterns:
        here = prefix + filled(str(pattern.pattern), values)
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [space, pattern.namespace]))
            yield from walk(pattern.url_patterns, values, here, inner)
        else:
            yield name_of(pattern, space), here


@pytest.fixture
def values(running_shop: Shop) -> dict[str, str]:
    """Parameters that lead to what is really there, so that nothing hides behind a 404."""
    due = Due.objects.get(subject=str(running_shop.operation.uuid))
    return {
        "instance_id": str(running_shop.uuid),
        "operation_id": str(running_shop.operation.uuid),
        "uuid": str(running_shop.uuid),
        "due_id": str(due.pk),
        "pk": str(running_shop.row.pk),
        "object_id": str(running_shop.row.pk),
        "app": "shop",
        "what": "stop",
        "app_label": "instances",
        "url": "nothing/",
        "content_type_id": "1",
        "message_id": "0" * 20 + "-abcdef",
        "key": "abc",
        "uidb36": "1",
    }


# For parameters whose rows these tests do not have.
_SAMPLES = {"int": "1", "uuid": str(uuid4()), "slug": "x", "str": "x", "path": "x"}


def addresses(kind: str, values: dict[str, str]) -> list[Address]:
    patterns = get_resolver(f"config.urls.{kind}").url_patterns
    return [Address(kind, name, path) for name, path in walk(patterns, values)]


def is_guarded(address: Address) -> bool:
    """Whether a stranger is sent to sign in or refused, by every method that is allowed."""
    nobody = browser(HOSTS[address.kind])
    answers = [nobody.get(address.path), nobody.post(address.path)]
    allowed = [answer for answer in answers if answer.status_code != 405]
    return bool(allowed) and all(
        answer.status_code in (401, 403)
        or (answer.status_code == 302 and re.search(r"/(login|sso)/", answer["location"]))
        for answer in allowed
    )


@pytest.mark.parametrize("kind", HOSTS)
def test_a_stranger_gets_nowhere_without_signing_in(kind: str, values: dict[str, str]) -> None:
    found = addresses(kind, values)
    assert len(found) > 20
    open_ones = [one for one in found if one.name not in OPEN and not is_guarded(one)]
    assert open_ones == []


def test_the_list_of_open_addresses_has_no_dead_entries(values: dict[str, str]) -> None:
    names = {one.name for kind in HOSTS for one in addresses(kind, values)}
    assert names >= OPEN


def test_a_view_added_without_thought_is_found(
    values: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(request: HttpRequest, uuid: Any) -> HttpResponse:
        return HttpResponse("all subscribers")

    patterns = get_resolver("config.urls.console").url_patterns
    monkeypatch.setattr(
        get_resolver("config.urls.console"),
        "url_patterns",
        [path("everything/<uuid:uuid>/", careless, name="everything"), *patterns],
    )
    (found,) = [one for one in addresses("console", values) if one.name == "everything"]
    assert not is_guarded(found)
