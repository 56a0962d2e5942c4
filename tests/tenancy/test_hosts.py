"""From the host of a request to its schema and URLs, and back to `public` afterwards."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_urlconf, set_urlconf

from apps.accounts.models import User
from apps.tenancy.kinds import kind_of, operator, schema_name, schema_of
from apps.tenancy.middleware import HostMiddleware
from apps.tenancy.models import Domain, Tenant
from tests.live import in_vain

Answer = Callable[[HttpRequest], HttpResponse]


def ask(host: str, answer: Answer | None = None) -> HttpResponse:
    """The answer of the middleware; without a view it tells schema and URLs."""

    def tell(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"{connection.schema_name} {request.urlconf}")

    return HostMiddleware(answer or tell)(RequestFactory().get("/", HTTP_HOST=host))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "schema"),
    [
        ("acme.dotmac.localhost", "c_acme"),
        ("acme.dotmac.localhost:8000", "c_acme"),
        ("ACME.DotMac.Localhost", "c_acme"),
        ("acme.dotmac.localhost.", "c_acme"),
        ("Acme.DotMac.localhost.:8443", "c_acme"),
        ("acme.apps.localhost", "w_acme"),
        ("initech.apps.localhost", "w_initech"),
        ("dotmac.localhost:8000", "public"),
    ],
)
def test_a_host_leads_to_its_schema_and_its_urls(host: str, schema: str) -> None:
    urls = settings.TENANT_TYPES[kind_of(schema)]["URLCONF"]
    assert ask(host).content.decode() == f"{schema} {urls}"
    assert connection.schema_name == "public"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["nobody.dotmac.localhost", "example.org", "127.0.0.1", "[::1]:8000", "acme"]
)
def test_a_stranger_s_host_gets_a_page_that_says_so(host: str) -> None:
    page = Client().get("/", HTTP_HOST=host)
    assert page.status_code == 404
    assert "Nothing is served here" in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["a b", "acme/", "<script>", "acme.dotmac.localhost@evil.org"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    assert ask(host).status_code == 400


@pytest.mark.django_db
def test_a_tenant_whose_schema_lies_elsewhere_is_not_served_here(acme) -> None:
    Tenant.objects.filter(schema_name=acme.workspace).update(is_local=False)
    page = Client().get("/admin/", HTTP_HOST=acme.workspace_host)
    assert page.status_code == 503
    assert page["refresh"] == "5"
    assert "This site is being set up" in page.content.decode()


@pytest.mark.django_db
def test_a_new_tenant_s_host_answers_at_once_though_it_was_asked_for_before(acme) -> None:
    assert ask("fresh.dotmac.localhost").status_code == 404
    tenant = Tenant.objects.get(schema_name=acme.console)
    Domain.objects.create(domain="fresh.dotmac.localhost", tenant=tenant, is_primary=False)
    assert ask("fresh.dotmac.localhost").status_code == 200


@pytest.mark.django_db
def test_a_request_that_raises_leaves_the_connection_in_public(acme) -> None:
    def crash(_request: HttpRequest) -> HttpResponse:
        User.objects.count()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(acme.console_host, crash)
    assert connection.schema_name == "public"
    assert _search_path() == "public"


@pytest.mark.django_db
def test_a_request_that_wanders_off_leaves_the_connection_in_public(acme, initech) -> None:
    def wander(_request: HttpRequest) -> HttpResponse:
        connection.set_schema(initech.workspace)
        return HttpResponse()

    ask(acme.console_host, wander)
    assert connection.schema_name == "public"
    assert ask(acme.console_host).content.startswith(b"c_acme ")


@pytest.mark.django_db
def test_schemas_nest_and_are_left_again_with_their_urls(acme) -> None:
    set_urlconf(None)
    with schema_of(acme.console):
        outer = get_urlconf()
        with schema_of(acme.workspace):
            assert (connection.schema_name, _search_path()) == ("w_acme", "w_acme")
            assert get_urlconf() == settings.TENANT_TYPES["workspace"]["URLCONF"] != outer
            with operator():
                assert _search_path() == "public"
            assert _search_path() == "w_acme"
        assert (connection.schema_name, get_urlconf()) == ("c_acme", outer)
    assert (connection.schema_name, get_urlconf()) == ("public", None)


@pytest.mark.django_db
def test_a_schema_is_left_after_an_exception(acme) -> None:
    set_urlconf("config.urls.nothing")
    with pytest.raises(ZeroDivisionError), schema_of(acme.console):
        raise ZeroDivisionError
    assert (connection.schema_name, get_urlconf()) == ("public", "config.urls.nothing")
    set_urlconf(None)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["x_acme", "acme", "", "pg_catalog", "information_schema"])
def test_a_name_of_no_kind_is_refused_and_nothing_is_entered(name: str) -> None:
    with pytest.raises(LookupError), schema_of(name):
        raise AssertionError("It was entered.")
    assert connection.schema_name == "public"


@pytest.mark.django_db
def test_a_rollback_does_not_lead_to_another_schema(acme) -> None:
    with schema_of(acme.console):
        in_vain(lambda: User.objects.create_user("gone@example.org"))
        assert _search_path() == "c_acme"
        User.objects.create_user("kept@example.org")
    with operator():
        assert not User.objects.filter(email="kept@example.org").exists()


@pytest.mark.parametrize(
    ("schema", "kind"), [("public", "public"), ("c_acme", "console"), ("w_acme", "workspace")]
)
def test_a_prefix_tells_the_kind(schema: str, kind: str) -> None:
    assert kind_of(schema) == kind
    if kind != "public":
        assert schema_name(kind, "acme") == schema


def _search_path() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW search_path")
        return str(cursor.fetchone()[0]).replace('"', "")
