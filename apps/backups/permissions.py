"""What roles can hold of backups."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, SUPPORT, TECHNICIAN, Permission, rights

VIEW, RUN, MANAGE, KIT = "backups.view", "backups.run", "backups.manage", "backups.kit"
_KINDS = ("public",)
PERMISSIONS = (
    Permission(
        VIEW,
        _("See what became of backups"),
        (ADMIN, TECHNICIAN, SUPPORT),
        rights("backups", "backuprun"),
        _KINDS,
    ),
    Permission(
        RUN,
        _("Have backups made and tested now"),
        (ADMIN, TECHNICIAN),
        kinds=_KINDS,
        needs=(VIEW,),
    ),
    # They lead to everything of everybody: owners, and whom they name.
    Permission(
        MANAGE,
        _("Say where backups go"),
        (),
        rights("backups", "backuptarget", on="view change"),
        _KINDS,
        needs=(VIEW,),
    ),
    Permission(
        KIT,
        _("Make recovery kits, which open all backups and every secret"),
        (),
        kinds=_KINDS,
        needs=(VIEW, MANAGE),
    ),
)
