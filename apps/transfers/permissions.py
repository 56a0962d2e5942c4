"""What roles can hold of a tenant's data as a whole."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import Permission

EXPORT = "data.export"
PERMISSIONS = (
    # It holds all that any role may see, and the digests of passwords: owners, and whom they name.
    Permission(EXPORT, _("Export all data"), (), kinds=("console", "workspace")),
)
