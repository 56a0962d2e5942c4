"""What roles can hold of the record."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, Permission, rights

ERASE, ACCEPT = "record.erase", "record.accept"
PERMISSIONS = (
    Permission(
        "record.view", _("See the record of what happened"), (ADMIN,), rights("events", "event")
    ),
    # Neither is ever undone: owners, and whom they name.
    Permission(ERASE, _("Erase people from the record"), (), needs=("record.view",)),
    Permission(
        ACCEPT,
        _("Accept a record that ends early since a backup was restored"),
        (),
        kinds=("public",),
        needs=("record.view",),
    ),
)
