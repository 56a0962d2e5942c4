"""What certificates add to the operator's first page: a first step, and what is not obtained."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.certificates.accounts import account_in_force
from apps.certificates.models import Certificate
from apps.portal.needs import first_few, need
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step


@on_admin_home("public")
def operator_home(request: HttpRequest) -> dict[str, Any]:
    """The step for owners, who set it up; failures for all who see certificates."""
    found: dict[str, Any] = {}
    # Development has a certificate authority of its own.
    if not settings.DEVELOPMENT and may(request.user, "certificates.view_acmeaccount"):
        found["checklist"] = [_step()]
    if may(request.user, "certificates.view"):
        found["needs"] = _failing()
    return found


def _step() -> Step:
    text = _("Until then browsers warn of every address of yours, or do not open it.")
    url = reverse("admin:certificates_acmeaccount_changelist")
    done = account_in_force() is not None
    return Step("certificates", _("Set up the certificate authority"), text, url, done, order=5)


def _failing() -> list[dict[str, Any]]:
    title = _("The certificate for %(name)s is not obtained")

    def say(row: Certificate) -> dict[str, Any]:
        url = reverse("admin:certificates_certificate_change", args=[row.pk])
        return need(title % {"name": row.name}, row.last_error, url, "bad")

    failing = Certificate.objects.filter(is_told=True).order_by("name")
    return first_few(failing, say, listed=reverse("admin:certificates_certificate_changelist"))
