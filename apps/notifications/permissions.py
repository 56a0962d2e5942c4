"""What roles can hold of messages."""

from django.utils.translation import gettext_lazy as _

from apps.core.permissions import ADMIN, Permission, rights

SEND = "messages.send"
PERMISSIONS = (
    Permission(
        "messages.view",
        _("See messages to everybody, with their addresses"),
        (ADMIN,),
        rights("notifications", "delivery"),
    ),
    Permission(
        SEND,
        _("Send messages again that failed"),
        (ADMIN,),
        rights("notifications", "delivery"),
    ),
    Permission(
        "suppressions.manage",
        _("Manage addresses to which nothing is sent"),
        (ADMIN,),
        rights("notifications", "suppressed", on="view add delete"),
    ),
    Permission(
        "sms.manage",
        _("Set up the SMS gateway"),
        (ADMIN,),
        rights("notifications", "smsgateway", on="view change"),
    ),
)
