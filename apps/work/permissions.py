"""What roles can hold of the work of all schemas."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, SUPPORT, TECHNICIAN, VIEWER, Permission, rights

_KINDS = ("public",)
PERMISSIONS = (
    Permission(
        "work.view",
        _("See the work of all organisations"),
        (ADMIN, TECHNICIAN, SUPPORT, VIEWER),
        rights("work", "due"),
        _KINDS,
    ),
    Permission("work.retry", _("Cancel and repeat work"), (ADMIN, TECHNICIAN), kinds=_KINDS),
)
