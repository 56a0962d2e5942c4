"""Certificates in the operator's admin: state, history, and what can be done."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.accounts.access import may
from apps.certificates import services
from apps.certificates.accounts import account_in_force
from apps.certificates.forms import RevokeForm
from apps.certificates.models import AcmeAccount, Certificate
from apps.certificates.setup_admin import AcmeAccountAdmin
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor

_RECENT = 20
_LABELS = {
    "wanted": "info",
    "ordering": "info",
    "valid": "success",
    "renewing": "info",
    "failed": "danger",
    "ended": "default",
}


class CertificateAdmin(ModelAdmin):  # type: ignore[misc]
    """Which certificates there are and should be; the platform writes them."""

    list_display = ("name", "names", "state", "issuer", "expires_at", "renew_at", "last_error")
    list_filter = ("status", "challenge")
    search_fields = ("name", "issuer", "last_error")
    fields = (
        "name",
        "names",
        "challenge",
        "status",
        "issuer",
        ("starts_at", "expires_at"),
        ("renew_at", "next_at"),
        "failures",
    )
    readonly_fields = (
        "name",
        "names",
        "challenge",
        "status",
        "issuer",
        "starts_at",
        "expires_at",
        "renew_at",
        "next_at",
        "failures",
    )
    change_form_outer_after_template = "certificates/certificate.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They follow from the hostnames."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are changed by what happens."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They end with their hostname."""
        return False

    @display(description=gettext_lazy("hostnames"))  # type: ignore[untyped-decorator]
    def names(self, row: Certificate) -> str:
        """What it is for."""
        return ", ".join(row.hostnames)

    @display(description=gettext_lazy("state"), label=_LABELS)  # type: ignore[untyped-decorator]
    def state(self, row: Certificate) -> tuple[str, str]:
        """As a tag."""
        return row.status, str(row.get_status_display())

    def get_urls(self) -> list[URLPattern]:
        """What can be done, before the admin's own pages."""
        wrap = self.admin_site.admin_view
        own = [
            path(
                f"<int:object_id>/{what}/",
                wrap(require_POST(view)),
                name=f"certificates_certificate_{what}",
            )
            for what, view in (("renew", self.renew), ("revoke", self.revoke))
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With its history."""
        row = self.get_object(request, unquote(object_id))
        own = _page_of(request, row) if row else {}
        return super().change_view(  # type: ignore[no-any-return]
            request, object_id, form_url, {**(extra_context or {}), **own}
        )

    def renew(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A worker does it; the page shows how far it is."""
        row = _row_for(request, object_id)
        try:
            services.renew_now(row, actor=user_actor(request.user))
        except DomainError as error:
            messages.error(request, error.message)
        return _to(row)

    def revoke(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A worker does it, and orders another one."""
        row, form = _row_for(request, object_id), RevokeForm(request.POST)
        if not form.is_valid():
            messages.error(request, _("Choose a reason."))
            return _to(row)
        try:
            services.revoke(row, reason=form.cleaned_data["reason"], actor=user_actor(request.user))
        except DomainError as error:
            messages.error(request, error.message)
        return _to(row)


def register(site: AdminSite, kind: str) -> None:
    """At the operator, where the app is."""
    site.register(Certificate, CertificateAdmin)
    site.register(AcmeAccount, AcmeAccountAdmin)


def _row_for(request: HttpRequest, object_id: int) -> Certificate:
    if not may(request.user, "certificates.change"):
        raise PermissionDenied
    return get_object_or_404(Certificate, pk=object_id)


def _page_of(request: HttpRequest, row: Certificate) -> dict[str, Any]:
    is_busy = row.status in Certificate.BUSY or row.revoke_reason is not None
    return {
        "certificate": row,
        "issued": list(row.issued.all()[:_RECENT]),
        "is_busy": is_busy,
        "may_act": may(request.user, "certificates.change"),
        "is_set_up": account_in_force() is not None,
        "revoke_form": RevokeForm(),
    }


def _to(row: Certificate) -> HttpResponse:
    return redirect("admin:certificates_certificate_change", row.pk)
