"""What roles can hold of long work."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import (
    ADMIN,
    BILLING,
    SUPPORT,
    TECHNICIAN,
    VIEWER,
    Permission,
    rights,
)

PERMISSIONS = (
    Permission(
        "operations.view",
        _("Follow operations"),
        (ADMIN, TECHNICIAN, BILLING, SUPPORT, VIEWER),
        # What is gone is followed like what is under way.
        (*rights("operations", "operation"), *rights("core", "tombstone")),
        is_limitable=True,
    ),
    Permission(
        "operations.steer",
        _("Cancel and repeat operations"),
        (ADMIN, TECHNICIAN),
        rights("operations", "operation"),
        is_limitable=True,
    ),
)
