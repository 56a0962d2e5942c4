"""Entering an organisation as the operator's support."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _

from apps.accounts import hand_off
from apps.accounts.access import may, require
from apps.accounts.addresses import console_url, host_url, local_path, workspace_url
from apps.accounts.models import User
from apps.accounts.security.methods import methods_of
from apps.accounts.security.proof import where_to_prove
from apps.accounts.visits.models import LONGEST_REASON
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.tenants import impersonation
from apps.tenants.models import Impersonation, Organisation

_INTO = "/sso/login/?next=/admin/"


class SupportForm(forms.Form):
    """Why, and for how long."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        help_text=_("The organisation’s owners read it, so say what you were asked to do."),
    )
    minutes = forms.TypedChoiceField(
        label=_("Time"),
        coerce=int,
        choices=[(one, _("%(count)s minutes") % {"count": one}) for one in impersonation.MINUTES],
    )


def support_page(site: AdminSite, request: HttpRequest, object_id: int) -> HttpResponse:
    """Begin a visit, go on with it, or end it."""
    require(request, impersonation.PERMISSION)
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    organisation = get_object_or_404(Organisation, pk=object_id)
    visit = impersonation.open_visit(organisation, user)
    form = SupportForm(request.POST if request.POST.get("what") == "start" else None)
    if request.method == "POST":
        answer = _do(request, user, organisation, visit, form)
        if answer is not None:
            return answer
    elif visit is None and (address := where_to_prove(request, user)):
        return HttpResponseRedirect(address)
    context = {
        **site.each_context(request),
        "title": _("Enter as support"),
        "organisation": organisation,
        "visit": visit,
        "form": form,
        "console_url": console_url(organisation.slug, _INTO),
        "workspace_url": workspace_url(organisation.slug, _INTO) if organisation.workspace else "",
    }
    return render(request, "organisations/support.html", context)


def enter_as_support(
    request: HttpRequest, organisation: Organisation, *, host: str, state: str
) -> HttpResponse:
    """With the visit that goes on; whoever could begin one is led there, others see nothing."""
    assert isinstance(request.user, User)
    visit = impersonation.open_visit(organisation, request.user)
    if visit is None and may(request.user, impersonation.PERMISSION):
        return redirect("admin:tenants_organisation_support", organisation.pk)
    if visit is None:
        raise Http404
    token = hand_off.issue_visit(
        request.user,
        visit=visit.uuid,
        reason=visit.reason,
        expires_at=visit.expires_at,
        host=host,
        state=state,
        next_path=local_path(request.GET.get("next"), "/admin/"),
        amr=methods_of(request),
    )
    return HttpResponseRedirect(way_into(organisation, host, "/sso/visit/", token))


def way_into(organisation: Organisation, host: str, path: str, token: str) -> str:
    """The address at a console or workspace that takes a signed message."""
    console = organisation.console
    is_console = console is not None and console.domains.filter(domain=host).exists()
    query = urlencode({"token": token})
    return host_url(host, f"{path}?{query}", is_workspace=not is_console)


def _do(
    request: HttpRequest,
    user: User,
    organisation: Organisation,
    visit: Impersonation | None,
    form: SupportForm,
) -> HttpResponse | None:
    """Where to go on; None for what has to be said at the form."""
    if request.POST.get("what") == "end":
        if visit is not None:
            impersonation.end(visit.uuid, user_actor(user))
            messages.success(request, _("The visit is over."))
        return redirect("admin:tenants_organisation_change", organisation.pk)
    if address := where_to_prove(request, user):
        return HttpResponseRedirect(address)
    if not form.is_valid():
        return None
    values: dict[str, Any] = form.cleaned_data
    try:
        impersonation.start(organisation, by=user, **values)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return None
    return HttpResponseRedirect(console_url(organisation.slug, _INTO))
