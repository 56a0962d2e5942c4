"""What owners see on their first page while no mail leaves."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.branding.senders import own_sender
from apps.core.mailbox import has_server
from apps.portal.registry import on_admin_home

_KINDS = ("public", "console", "workspace")


def _home(request: HttpRequest) -> dict[str, Any]:
    if has_server() or not getattr(request.user, "is_superuser", False) or own_sender():
        return {}
    need = {
        "title": _("No mail server is set, so no mail is sent"),
        "text": _("Enter yours under Sender. What waits is sent then, within a few hours of it."),
        "url": reverse("admin:branding_sender_changelist"),
        "done": False,
        "tone": "bad",
    }
    return {"needs": [need]}


for _kind in _KINDS:
    on_admin_home(_kind)(_home)
