"""Whether mails can leave, on the homes of those who may do something about it."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.branding.senders import own_sender
from apps.core.languages import grouped
from apps.core.mailbox import has_server
from apps.portal.charts import Stat
from apps.portal.registry import on_admin_home
from apps.work.models import Due

_KINDS = ("public", "console", "workspace")
_WORK = ("mail", "notification")


def _home(request: HttpRequest) -> dict[str, Any]:
    if has_server() or not request.user.has_perm("mail.manage") or own_sender():
        return {}
    need = {
        "title": _("No mail server is set, so no mail is sent"),
        "text": _("Enter yours under Sender. What waits is sent then, within a few hours of it."),
        "url": reverse("admin:branding_sender_changelist"),
        "done": False,
        "tone": "bad",
    }
    return {"needs": [need]}


@on_admin_home("public")
def _mails(request: HttpRequest) -> dict[str, Any]:
    """How many mails of all schemas wait, and how many were given up in a day."""
    if not request.user.has_perm("work.view"):
        return {}
    mails = Due.objects.filter(kind__in=_WORK)
    waiting = mails.filter(state__in=[Due.State.QUEUED, Due.State.WAITING]).count()
    since = timezone.now() - timedelta(hours=24)
    failed = mails.filter(state=Due.State.FAILED, finished_at__gte=since).count()
    stat = Stat(
        _("Mails that wait"),
        grouped(waiting),
        note=_("%(count)s given up in 24 hours") % {"count": grouped(failed)},
        tone="bad" if failed else "",
        url=f"{reverse('admin:work_due_changelist')}?kind__exact=mail",
        order=86,
    )
    return {"stats": [stat]}


for _kind in _KINDS:
    on_admin_home(_kind)(_home)
