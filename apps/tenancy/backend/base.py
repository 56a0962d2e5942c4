"""django-tenants' backend with a search path that never falls through to `public`.

The stock path is `tenant, public`: where a tenant lacks a table, its rows land silently in the
operator's. Here the path is the one schema; tables that a whole database shares name theirs
(docs/adr/001).
"""

from django_tenants.postgresql_backend import base


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    """PostgreSQL with the search path of exactly one schema."""

    def set_tenant(self, tenant: object, include_public: bool = False) -> None:
        """Switch to the tenant's schema and leave `public` off the path."""
        super().set_tenant(tenant, include_public=False)
