"""Tenants that were imported, and the way to make a customer of them."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from apps.accounts.access import may, require
from apps.accounts.models import User
from apps.accounts.security.proof import where_to_prove
from apps.billing.services import newest_version_of, newest_versions
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.operations.models import Operation
from apps.tenants.adopting import PERMISSION, Imported, adopt, imported, tenants_of_nobody
from apps.tenants.attaching import attach
from apps.tenants.closing import PERMISSION as CLOSE
from apps.tenants.erasing.imported import erase_imported
from apps.tenants.forms import AdoptForm, AttachForm, EraseImportedForm
from apps.tenants.models import Organisation
from apps.tenants.services import Application


def adopt_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """All of them; with `?slug=` the forms for one, which by POST become an organisation's."""
    require(request, PERMISSION)
    user, slug = request.user, request.GET.get("slug", "")
    found = imported(slug) if slug else None
    if slug and found is None:
        raise Http404
    if isinstance(user, User) and (address := where_to_prove(request, user)):
        return HttpResponseRedirect(address)
    forms = _forms(request, found) if found else {}
    if request.method == "POST" and found and request.POST.get("what") == "erase":
        begun = _erase(request, found, forms["erase_form"])
        if begun is not None:
            return redirect("operation", begun.uuid)
    elif request.method == "POST" and found:
        organisation = _do(request, found, forms)
        if organisation is not None:
            return redirect("admin:tenants_organisation_change", organisation.pk)
    context = {
        **site.each_context(request),
        "title": _("Imported tenants"),
        "found": found,
        "all": [] if found else tenants_of_nobody(),
        **forms,
    }
    return render(request, "organisations/adopt.html", context)


def _forms(request: HttpRequest, found: Imported) -> dict[str, Any]:
    what, data = request.POST.get("what"), request.POST
    plans = newest_versions()
    initial = {"name": found.name}
    if len(plans) == 1:
        initial["plan"] = plans[0].plan.key
    return {
        "form": AdoptForm(data if what == "adopt" else None, plans=plans, initial=initial),
        "attach_form": AttachForm(data if what == "attach" else None),
        "erase_form": EraseImportedForm(data if what == "erase" else None, slug=found.slug),
        "may_erase": may(request.user, CLOSE),
    }


def _do(request: HttpRequest, found: Imported, forms: dict[str, Any]) -> Organisation | None:
    """The organisation; None where a form says what is wrong."""
    is_attaching = request.POST.get("what") == "attach"
    form = forms["attach_form" if is_attaching else "form"]
    if not form.is_valid():
        return None
    act = _attach if is_attaching else _adopt
    try:
        organisation = act(request, found, form.cleaned_data)
    except DomainError as error:
        field = {"time_zone": "timezone"}.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, error.message)
        return None
    messages.success(request, _("%(name)s is a customer here.") % {"name": organisation})
    return organisation


def _erase(request: HttpRequest, found: Imported, form: EraseImportedForm) -> Operation | None:
    """The operation; None where the form says what is wrong."""
    require(request, CLOSE)
    if not form.is_valid():
        return None
    by = user_actor(request.user)
    try:
        return erase_imported(found.slug, confirm=form.cleaned_data["confirm"], actor=by)
    except DomainError as error:
        form.add_error("confirm", error.message)
        return None


def _adopt(request: HttpRequest, found: Imported, said: dict[str, Any]) -> Organisation:
    application = Application(
        name=said["name"],
        slug=found.slug,
        country=said["country"],
        currency=said["currency"],
        time_zone=said["timezone"],
        region=said["region"],
    )
    plan = newest_version_of(said["plan"])
    return adopt(application, plan, email=said["email"], actor=user_actor(request.user))


def _attach(request: HttpRequest, found: Imported, said: dict[str, Any]) -> Organisation:
    organisation = Organisation.objects.filter(slug=said["into"].strip()).first()
    if organisation is None:
        raise DomainError(_("There is no organisation with this address."), field="into")
    return attach(found.slug, organisation, actor=user_actor(request.user))
