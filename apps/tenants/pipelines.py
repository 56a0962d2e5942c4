"""The operations of this app: tenants brought to a release or in, and organisations erased."""

from apps.tenants import migrating
from apps.tenants.bringing import steps as bringing
from apps.tenants.erasing import steps as erasing

__all__ = ["bringing", "erasing", "migrating"]
