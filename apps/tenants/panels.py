"""What organisations add to the operator's first page."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.accounts.addresses import console_host
from apps.core.languages import grouped
from apps.portal.registry import on_admin_home
from apps.tenants.models import Organisation

_SHOWN = 6
_MONTH = timedelta(days=30)
_TONES = {"pending": "info", "active": "ok", "suspended": "warn", "closed": "idle"}


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """How many there are, and who came last."""
    if not may(request.user, "organisations.view"):
        return {}
    newest = Organisation.objects.order_by("-created_at")[:_SHOWN]
    return {
        "stats": [_stat()],
        "organisations": [_row(organisation) for organisation in newest],
        "organisations_url": reverse("admin:tenants_organisation_changelist"),
    }


def _stat() -> dict[str, Any]:
    now = timezone.now()
    open_ones = ~Q(status=Organisation.Status.CLOSED)
    counted = Organisation.objects.aggregate(
        all=Count("pk", filter=open_ones),
        trial=Count("pk", filter=open_ones & Q(trial_ends_at__gt=now)),
        new=Count("pk", filter=Q(created_at__gt=now - _MONTH)),
    )
    note = _("%(trial)s in trial, %(new)s new in 30 days")
    return {
        "label": _("Organisations"),
        "value": grouped(counted["all"]),
        "note": note % {"trial": grouped(counted["trial"]), "new": grouped(counted["new"])},
        "url": reverse("admin:tenants_organisation_changelist"),
    }


def _row(organisation: Organisation) -> dict[str, Any]:
    return {
        "name": organisation.name,
        "host": console_host(organisation.slug),
        "url": reverse("admin:tenants_organisation_change", args=[organisation.pk]),
        "plan": organisation.plan_key.capitalize(),
        "status": organisation.get_status_display(),
        "tone": _TONES[organisation.status],
        "at": organisation.created_at,
        "trial_ends_at": organisation.trial_ends_at,
    }
