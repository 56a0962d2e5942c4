"""Which schemas of this database have a log."""

from apps.tenancy.kinds import PUBLIC, app_labels, schema_exists
from apps.tenancy.models import Tenant


def schemas_with_logs() -> list[str]:
    """Those of the tenants that are here, and the operator's where it has a log."""
    rows = Tenant.objects.filter(is_local=True).exclude(schema_name=PUBLIC)
    found = [name for name in rows.values_list("schema_name", flat=True) if schema_exists(name)]
    own = [PUBLIC] if "events" in app_labels(PUBLIC) else []
    return [*own, *sorted(found)]
