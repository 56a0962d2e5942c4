"""The kinds of schema: which apps live in one, and how to enter it with its URLs."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, connections
from django.urls import get_urlconf, set_urlconf
from django_tenants.routers import TenantSyncRouter

PUBLIC, CONSOLE, WORKSPACE = "public", "console", "workspace"
PREFIXES = {"c_": CONSOLE, "w_": WORKSPACE}


def kind_of(schema: str) -> str:
    """The kind that a schema's name tells; LookupError for a name that is none of ours."""
    if schema == PUBLIC:
        return PUBLIC
    try:
        return PREFIXES[schema[:2]]
    except KeyError:
        raise LookupError(f"The schema {schema!r} is of no known kind.") from None


def schema_name(kind: str, slug: str) -> str:
    """The schema of a new tenant; it is fixed at birth and survives a rename of the slug."""
    prefix = next(p for p, k in PREFIXES.items() if k == kind)
    return prefix + slug.replace("-", "_")


def kept_aside(schema: str) -> str:
    """The name of what lay in a tenant's schema before it was brought back from a backup.

    No slug has two hyphens in a row, so no tenant's schema is called so.
    """
    return f"{schema}__lost"


def schema_exists(name: str) -> bool:
    """Whether this database has a schema of that name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [name])
        return cursor.fetchone() is not None


@cache
def app_labels(kind: str) -> frozenset[str]:
    """Labels of the apps whose tables a schema of this kind holds."""
    names = settings.TENANT_TYPES[kind]["APPS"]
    return frozenset(app.label for app in apps.get_app_configs() if app.name in names)


def current_labels(using: str = "default") -> frozenset[str]:
    """Labels of the apps in the schema that a connection is in."""
    schema = connections[using].schema_name  # type: ignore[attr-defined]
    return app_labels(kind_of(schema))


class KindRouter(TenantSyncRouter):  # type: ignore[misc]
    """Lets an app migrate only in the kinds that hold it, told by the schema's name.

    The stock router asks the tenant for its type, which is None under `schema_context`.
    """

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: object
    ) -> bool | None:
        """None where the app is at home, False elsewhere."""
        return None if app_label in current_labels(db) else False


def current_schema() -> str:
    """The schema that this thread's connection is in."""
    return str(_connection().schema_name)


def to_public() -> None:
    """Leave the connection in the operator's schema, whatever came before."""
    _connection().set_schema_to_public()


def to_tenant(tenant: object) -> None:
    """Put the connection into a tenant's schema until somebody changes it."""
    _connection().set_tenant(tenant)


def _connection() -> Any:
    """Django's connection, whose stubs do not know our backend's methods."""
    return connection


@contextmanager
def schema_of(name: str) -> Iterator[None]:
    """Enter a schema together with the URL configuration of its kind, and return afterwards."""
    before, urls = _connection().tenant, get_urlconf()
    entered = settings.TENANT_TYPES[kind_of(name)]["URLCONF"]
    _connection().set_schema(name)
    set_urlconf(entered)
    try:
        yield
    finally:
        to_tenant(before)
        set_urlconf(urls)


def operator() -> AbstractContextManager[None]:
    """Enter the operator's schema on purpose."""
    return schema_of(PUBLIC)
