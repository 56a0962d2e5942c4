"""Making tenants: their row, their host and their schema."""

from django.conf import settings
from django.db import transaction

from apps.tenancy.kinds import PUBLIC, schema_name
from apps.tenancy.models import Domain, Tenant
from apps.tenancy.spares import take_spare
from apps.tenancy.templates import create_schema


@transaction.atomic
def ensure_operator() -> Tenant:
    """The operator's own tenant and host, made when they are missing."""
    tenant, _made = Tenant.objects.get_or_create(
        schema_name=PUBLIC, defaults={"kind": PUBLIC, "slug": "operator", "name": "DotMac"}
    )
    Domain.objects.get_or_create(domain=settings.BASE_DOMAIN, defaults={"tenant": tenant})
    return tenant


@transaction.atomic
def create_tenant(*, kind: str, slug: str, name: str, host: str, is_local: bool = True) -> Tenant:
    """A tenant with its host and, when its schema lies in this database, its schema.

    IntegrityError when the slug or the host is taken.
    """
    tenant = register_tenant(
        Tenant(
            schema_name=schema_name(kind, slug), kind=kind, slug=slug, name=name, is_local=is_local
        ),
        host=host,
    )
    if is_local:
        make_schema(tenant.schema_name)
    return tenant


@transaction.atomic
def register_tenant(tenant: Tenant, *, host: str) -> Tenant:
    """Its row and its host alone; IntegrityError when the slug, schema or host is taken."""
    tenant.save(force_insert=True)
    Domain.objects.create(domain=host, tenant=tenant)
    return tenant


def make_schema(name: str) -> None:
    """An empty schema at this release: one that waits, or made now; SchemaExistsError."""
    if not take_spare(name):
        create_schema(name)
