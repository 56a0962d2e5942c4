"""What roles can hold of alert channels."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import Permission, rights

MANAGE = "alerts.manage"
PERMISSIONS = (
    # Alerts tell of what only owners see, as backups: for them, and whom they name.
    Permission(
        MANAGE,
        _("Manage alert channels, which tell of everything that is wrong"),
        (),
        (
            *rights("alerts", "alertchannel", on="view add change delete"),
            *rights("alerts", "alertdelivery"),
        ),
        ("public",),
    ),
)
