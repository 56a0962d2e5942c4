"""An organisation's console and workspace as files, for the operator."""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import require
from apps.tenancy.models import Tenant
from apps.tenants.models import Organisation
from apps.transfers.services import KEPT, exports_of
from apps.transfers.views import begin

PERMISSION = "tenants.export"
_PAGE = "admin:tenants_organisation_export"


@dataclass(frozen=True)
class Place:
    """One of an organisation's tenants on the page."""

    kind: str
    title: str | Promise
    tenant: Tenant

    @property
    def schema(self) -> str:
        """The name of its schema."""
        return str(self.tenant.schema_name)

    @property
    def is_here(self) -> bool:
        """Whether its data lies in this database."""
        return self.tenant.is_local


def export_page(site: AdminSite, request: HttpRequest, object_id: int) -> HttpResponse:
    """What can be exported, and the files of late; by POST one starts."""
    require(request, PERMISSION)
    organisation = get_object_or_404(Organisation, pk=object_id)
    places = places_of(organisation)
    if request.method == "POST":
        wanted = request.POST.get("what")
        found = next((one for one in places if one.kind == wanted and one.is_here), None)
        if found is None:
            raise Http404
        answer: HttpResponse = begin(request, found.tenant, PERMISSION, _PAGE, organisation.pk)
        return answer
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Export data"),
        "organisation": organisation,
        "places": places,
        "exports": exports_of(*(one.tenant for one in places)),
        "kept_days": KEPT.days,
    }
    return render(request, "organisations/export.html", context)


def places_of(organisation: Organisation) -> list[Place]:
    """What there is of it to export."""
    named = (
        ("console", _("Export the console"), organisation.console),
        ("workspace", _("Export the workspace"), organisation.workspace),
    )
    return [Place(kind, title, tenant) for kind, title, tenant in named if tenant is not None]
