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
    tenant = Tenant(
        schema_name=schema_name(kind, slug), kind=kind, slug=slug, name=name, is_local=is_local
    )
    tenant.save()
    Domain.objects.create(domain=host, tenant=tenant)
    if is_local and not take_spare(tenant.schema_name):
        create_schema(tenant.schema_name)
    return tenant
