"""What roles can hold of plans."""

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

_KINDS = ("public", "workspace")
PERMISSIONS = (
    Permission(
        "plans.view",
        _("See plans and their prices"),
        (ADMIN, TECHNICIAN, BILLING, SUPPORT, VIEWER),
        rights("billing", "plan", "planversion"),
        _KINDS,
    ),
    Permission(
        "plans.change",
        _("Make plans and publish prices"),
        (ADMIN, BILLING),
        rights("billing", "plan", "planversion", on="view add change"),
        _KINDS,
    ),
)
