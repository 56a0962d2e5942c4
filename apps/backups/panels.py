"""What backups add to the operator's first page: a first step, and what is wrong."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.backups.models import BackupAlarm
from apps.backups.permissions import KIT, MANAGE, VIEW
from apps.backups.places import has_own_database
from apps.backups.targets import needs_kit, target_as_it_is
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """For those who may open the page."""
    if not may(request.user, VIEW) or not has_own_database():
        return {}
    url = reverse("admin:backups_backuptarget_changelist")
    target = target_as_it_is()
    text = _("To a bucket, an SFTP server or a disk elsewhere; the kit rebuilds it from there.")
    step = Step("backups", _("Back the platform up"), text, url, target.is_on, order=16)
    alarms = BackupAlarm.objects.order_by("pk")
    needs = [_need(str(alarm), alarm.error, url) for alarm in alarms]
    if needs_kit(target) and may(request.user, KIT):
        text = _("Without it nobody opens the backups once this machine is gone.")
        needs.append(_need(_("Make a recovery kit"), text, url, tone="warn"))
    return {"checklist": [step] if may(request.user, MANAGE) else [], "needs": needs}


def _need(title: str, text: str, url: str, tone: str = "bad") -> dict[str, Any]:
    return {"title": title, "text": text, "url": url, "done": False, "tone": tone}
