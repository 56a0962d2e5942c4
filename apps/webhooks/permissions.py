"""What roles can hold of webhooks."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, Permission, rights

MANAGE = "webhooks.manage"
PERMISSIONS = (
    # Whoever says where events are sent reads them there.
    Permission(
        MANAGE,
        _("Manage webhooks, by which the record leaves"),
        (ADMIN,),
        (
            *rights("webhooks", "endpoint", on="view add change delete"),
            *rights("webhooks", "delivery", on="view change"),
        ),
        needs=("record.view",),
    ),
)
