"""What roles can hold of the record."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, Permission, rights

PERMISSIONS = (
    Permission(
        "record.view", _("See the record of what happened"), (ADMIN,), rights("events", "event")
    ),
)
