"""What alerts add to the operator's first page: a first step, and what does not work."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.alerts.constants import PATIENCE
from apps.alerts.models import AlertChannel, MailPath
from apps.portal.needs import first_few, need
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """For those who see the channels."""
    if not may(request.user, "alerts.view_alertchannel"):
        return {}
    return {"checklist": [_step()], "needs": [*_silent_servers(), *_silent_channels()]}


def _step() -> Step:
    text = _("So that you hear of it when a server or your own mail is down.")
    url = reverse("admin:alerts_alertchannel_add")
    done = AlertChannel.objects.filter(is_on=True).exists()
    return Step("alert-channel", _("Add an alert channel"), text, url, done, order=15)


def _silent_servers() -> list[dict[str, Any]]:
    url = reverse("admin:branding_sender_changelist")
    paths = MailPath.objects.filter(told_at__isnull=False).order_by("pk")
    title = _("No mail leaves: %(server)s")
    return first_few(
        paths, lambda path: need(title % {"server": path}, path.last_error, url, "bad"), listed=url
    )


def _silent_channels() -> list[dict[str, Any]]:
    long_ago = timezone.now() - PATIENCE
    channels = AlertChannel.objects.filter(is_on=True, failing_since__lte=long_ago)
    title = _("The alert channel %(channel)s has not worked for a day")

    def say(channel: AlertChannel) -> dict[str, Any]:
        url = reverse("admin:alerts_alertchannel_change", args=[channel.pk])
        return need(title % {"channel": channel}, channel.last_error, url, "bad")

    listed = reverse("admin:alerts_alertchannel_changelist")
    return first_few(channels.order_by("pk"), say, listed=listed)
