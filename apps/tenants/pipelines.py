"""The operations of this app: tenants brought to a release."""

from apps.tenants import migrating

__all__ = ["migrating"]
