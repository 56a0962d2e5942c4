"""What the doctor looks at of the database and of the tenants' schemas."""

from apps.tenancy.checkups import schemas, server, sessions

__all__ = ["schemas", "server", "sessions"]
