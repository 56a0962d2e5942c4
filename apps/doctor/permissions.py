"""What roles can hold of the platform's health."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, SUPPORT, TECHNICIAN, Permission, rights
from apps.doctor.constants import RUN, VIEW

_KINDS = ("public",)
PERMISSIONS = (
    Permission(
        VIEW,
        _("See whether the platform is well"),
        (ADMIN, TECHNICIAN, SUPPORT),
        rights("doctor", "checkup"),
        _KINDS,
    ),
    Permission(RUN, _("Have the platform looked at now"), (ADMIN, TECHNICIAN), kinds=_KINDS),
)
