"""The operator's first step with plans."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.billing.models import PlanVersion
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """What organisations can sign up for."""
    if not may(request.user, "plans.change"):
        return {}
    text = _("What organisations pay for the platform; the sign-up offers it.")
    url, done = reverse("admin:billing_plan_add"), PlanVersion.objects.exists()
    return {"checklist": [Step("plan", _("Publish a plan"), text, url, done, order=20)]}
