"""Who comes in, over the API: the sign-in policy, identity providers, and clients of our own."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.http import HttpResponse

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.services import secret_of
from apps.events.models import Event
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program, key_in
from tests.conftest import Isp
from tests.keys import key_like

Problem = Callable[[HttpResponse], dict[str, Any]]
OFFICE = {
    "kind": "oidc",
    "key": "office",
    "name": "Acme Office",
    "issuer": "https://sso.acme.example/realms/office",
    "client_id": "dotmac",
    "secret": "s3cr3t-of-the-client",
    "domains": ["acme.example"],
}
OTHER = {"issuer": "https://sso.acme.example/realms/other", "secret": "another"}


def field_of(body: dict[str, Any]) -> tuple[int, str]:
    return body["status"], body["errors"][0]["field"]


def test_the_policy_is_demanded_once_an_owner_meets_it(
    desk: Program, acme: Isp, problem: Problem
) -> None:
    first = desk.get("sign-in-policy/")
    assert (first.json()["who"], first.json()["since"]) == ("off", None)
    assert field_of(problem(desk.patch("sign-in-policy/", {"who": "staff"}))) == (409, "who")
    assert desk.patch("sign-in-policy/", {"grace_days": 91}).status_code == 400
    with schema_of(acme.workspace):
        alice = User.objects.get(email="alice@acme.example")
        alice.set_password("secret-of-alice")
        alice.save()
        Authenticator.objects.create(user=alice, type=Authenticator.Type.TOTP, data={})
        reads = Program(acme.workspace_host, key_like(alice, scopes=["read"])[1].reveal())
    asked = {"who": "staff", "grace_days": 3}
    changed = desk.patch("sign-in-policy/", asked, {"if-match": first["etag"]}).json()
    assert (changed["who"], changed["grace_days"]) == ("staff", 3)
    late = desk.patch("sign-in-policy/", {"who": "off"}, {"if-match": first["etag"]})
    assert problem(late)["code"] == "precondition_failed"
    assert reads.get("sign-in-policy/").json() == changed
    assert reads.patch("sign-in-policy/", {"who": "off"}).status_code == 403
    at = f"people/{alice.uuid}/reset-second-factors/"
    assert reads.post(at).status_code == 403
    has = reads.get(f"people/{alice.uuid}/second-factors/").json()
    assert (has["factors"], has["has_factor"], has["is_late"]) == (
        ["authenticator app"],
        True,
        False,
    )
    everybody = reads.get("people/second-factors/").json()["results"]
    assert has in everybody
    assert "alice@acme.example" in [one["email"] for one in everybody]
    assert len(reads.get("people/second-factors/", limit=1).json()["results"]) == 1
    assert [desk.post(at).status_code, desk.post(at).status_code] == [200, 409]
    with schema_of(acme.workspace):
        told = Event.objects.get(type="sign_in_policy.changed")
        assert (told.actor_kind, told.data["changed"]["who"]["after"]) == (
            "service_account",
            "staff",
        )
        assert not Authenticator.objects.exists()


def test_a_provider_is_added_changed_and_removed(
    desk: Program, desk_of_initech: Program, acme: Isp, problem: Problem
) -> None:
    made = desk.post("identity-providers/", OFFICE)
    assert made.status_code == 201, made.content
    assert OFFICE["secret"] not in made.content.decode()
    assert made.json()["callback_url"].endswith("/accounts/oidc/office/login/callback/")
    assert field_of(problem(desk.post("identity-providers/", OFFICE))) == (409, "key")
    for wrong, field in (
        ({**OFFICE, "key": "b", "secret": ""}, "secret"),
        ({**OFFICE, "key": "Not A Word"}, "key"),
        ({**OFFICE, "key": "c", "domains": ["Acme"]}, "domains.0"),
        ({"kind": "saml", "key": "d", "name": "D", "metadata": "<x/>"}, "metadata"),
    ):
        assert field_of(problem(desk.post("identity-providers/", wrong))) == (400, field)
    at = f"identity-providers/{made.json()['id']}/"
    with schema_of(acme.workspace):
        alice = User.objects.get(email="alice@acme.example")
        SocialAccount.objects.create(user=alice, provider="office", uid="7")
    assert desk.patch(at, {"name": "Head Office", "kind": "saml"}).json()["kind"] == "oidc"
    with schema_of(acme.workspace):
        kept = IdentityProvider.objects.get()
        assert (kept.name, secret_of(kept).reveal()) == ("Head Office", OFFICE["secret"])
    assert field_of(problem(desk.patch(at, OTHER))) == (409, "ends_links")
    without = {"issuer": OTHER["issuer"], "ends_links": True}
    assert field_of(problem(desk.patch(at, without))) == (400, "secret")
    assert desk.get(at).json()["linked_people"] == 1
    moved = desk.patch(at, {**OTHER, "ends_links": True}).json()
    assert (moved["issuer"], moved["linked_people"]) == (OTHER["issuer"], 0)
    admin = key_in(acme.workspace, "adam@acme.example", role="admin")
    assert Program(acme.workspace_host, admin).get(at).status_code == 403
    for method in ("GET", "PATCH", "DELETE"):
        assert desk_of_initech.send(method, at).status_code == 404
    assert desk.send("DELETE", at).status_code == 204
    (gone,) = desk.get("deleted/", resource="identity-providers").json()["results"]
    assert gone["id"] == moved["id"]


def test_a_client_of_single_sign_on_has_its_secret_shown_once(db: None, problem: Problem) -> None:
    desk = Program("dotmac.localhost", key_in("public", "olga@x.example", is_superuser=True))
    wiki = {
        "name": "The Wiki",
        "redirect_uris": ["https://wiki.example/back"],
        "who": "everybody",
        "external_id": "cmdb-7",
    }
    key = {"idempotency-key": "wiki"}
    made = desk.post("sso-clients/", wiki, key)
    assert made.status_code == 201, made.content
    secret = made.json()["secret"]
    assert len(secret) > 30
    assert made["cache-control"] == "no-store"
    assert desk.post("sso-clients/", wiki, key).json()["secret"] is None
    (listed,) = desk.get("sso-clients/", external_id="cmdb-7").json()["results"]
    assert secret not in str(listed)
    at = f"sso-clients/{listed['id']}/"
    for wrong, field in (
        ({"redirect_uris": ["https://["]}, "redirect_uris"),
        ({"redirect_uris": ["https://a.example/\nhttp://b.example/"]}, "redirect_uris.0"),
        ({"who": "members"}, "organisations"),
        ({"organisations": ["00000000-0000-4000-8000-000000000000"]}, "organisations"),
    ):
        assert field_of(problem(desk.patch(at, wrong))) == (400, field)
    changed = desk.patch(at, {"scopes": ["email"], "may_refresh": True}).json()
    assert (changed["scopes"], changed["may_refresh"], changed["name"]) == (
        ["email"],
        True,
        "The Wiki",
    )
    assert desk.post(f"{at}rotate/").json()["secret"] not in (secret, None)
    open_one = desk.post("sso-clients/", {**wiki, "is_public": True, "external_id": ""}).json()
    assert (open_one["is_public"], open_one["secret"]) == (True, None)
    assert problem(desk.post(f"sso-clients/{open_one['id']}/rotate/"))["status"] == 400
    helper = Program("dotmac.localhost", key_in("public", "h@x.example", role="admin"))
    assert helper.get("sso-clients/").status_code == 403
    assert desk.send("DELETE", at).status_code == 204
    (gone,) = desk.get("deleted/", resource="sso-clients").json()["results"]
    assert gone["id"] == listed["id"]
