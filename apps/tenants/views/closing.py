"""Closing one's organisation, and taking that back."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.access import require
from apps.accounts.addresses import workspace_url
from apps.accounts.models import User
from apps.accounts.security.proof import where_to_prove
from apps.backups.targets import longest_kept
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.tenants import closing
from apps.tenants.models import Erasure, Organisation

_OWNER, _OPERATOR = Organisation.Side.OWNER, Organisation.Side.OPERATOR


class ClosingForm(forms.Form):
    """Its address, typed, and why."""

    confirm = forms.CharField(
        max_length=30, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=closing.LONGEST_REASON, required=False
    )

    def __init__(self, organisation: Organisation, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.organisation = organisation
        label = _("Type %(slug)s to go on") % {"slug": organisation.slug}
        self.fields["confirm"].label = label

    def clean_confirm(self) -> str:
        """Typed as it is."""
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != self.organisation.slug:
            raise forms.ValidationError(_("This is not the address of the organisation."))
        return typed


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required
def close_own(request: HttpRequest, slug: str) -> HttpResponse:
    """The owner's page; 404 for everybody else."""
    user: User = request.user  # type: ignore[assignment]
    organisation = Organisation.objects.filter(slug=slug, owner=user.uuid).first()
    if organisation is None:
        raise Http404
    form = _form(request, organisation)
    if request.method == "POST" and _do(request, organisation, form, _OWNER):
        return redirect("organisations")
    return render(request, "organisations/closing.html", _context(organisation, form))


def closing_page(site: AdminSite, request: HttpRequest, object_id: int) -> HttpResponse:
    """The same for the operator, on the organisation's page."""
    require(request, closing.PERMISSION)
    organisation = get_object_or_404(Organisation, pk=object_id)
    user = request.user
    if isinstance(user, User) and (address := where_to_prove(request, user)):
        return HttpResponseRedirect(address)
    form = _form(request, organisation)
    if request.method == "POST" and _do(request, organisation, form, _OPERATOR):
        return redirect("admin:tenants_organisation_change", organisation.pk)
    context = {
        **site.each_context(request),
        "title": _("Close %(name)s") % {"name": organisation},
        **_context(organisation, form),
    }
    return render(request, "operator/closing.html", context)


def _form(request: HttpRequest, organisation: Organisation) -> ClosingForm:
    is_closing = request.POST.get("what") == "close"
    return ClosingForm(organisation, request.POST if is_closing else None)


def _do(request: HttpRequest, organisation: Organisation, form: ClosingForm, side: str) -> bool:
    """Close or take back; False where the form says what is wrong."""
    actor = user_actor(request.user)
    try:
        if request.POST.get("what") == "reopen":
            closing.reopen(organisation, actor=actor)
            text = _("%(name)s is open again.")
        elif form.is_valid():
            reason = form.cleaned_data["reason"]
            closing.close(organisation, side=side, actor=actor, reason=reason)
            text = _("%(name)s is closed. Until it is erased, it can be taken back here.")
        else:
            return False
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, text % {"name": organisation})
    return True


def _context(organisation: Organisation, form: ClosingForm) -> dict[str, Any]:
    return {
        "organisation": organisation,
        "form": form,
        "days": settings.CLOSING_GRACE_DAYS,
        "backup_days": longest_kept().days,
        "is_closed": organisation.status == Organisation.Status.CLOSED,
        "is_being_erased": Erasure.objects.filter(organisation=organisation.uuid).exists(),
        "workspace_url": workspace_url(organisation.slug, "/sso/login/?next=/admin/"),
    }
