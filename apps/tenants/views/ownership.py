"""The page on which an organisation is handed over."""

from collections.abc import Callable
from functools import partial
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.tenants import ownership
from apps.tenants.members import others, remove_member
from apps.tenants.models import Organisation
from apps.tenants.querysets import organisations_of


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
@reauthentication_required
def owner(request: HttpRequest, slug: str) -> HttpResponse:
    """Offer, withdraw or accept; 404 for those whom it does not concern."""
    user: User = request.user  # type: ignore[assignment]
    organisation = organisations_of(user).filter(slug=slug).first()
    if organisation is None:
        raise Http404
    offer = ownership.offer_of(organisation)
    is_owner = organisation.owner == user.uuid
    is_offered = offer is not None and offer.offered_to == user.uuid
    if not (is_owner or is_offered):
        raise Http404
    if request.method == "POST":
        return _do(request, user, organisation)
    context = {
        "organisation": organisation,
        "is_owner": is_owner,
        "people": ownership.candidates(organisation) if is_owner else [],
        "members": others(organisation) if is_owner else [],
        "offered_to": User.objects.filter(uuid=offer.offered_to).first() if offer else None,
        "offer": offer,
    }
    return render(request, "organisations/owner.html", context)


def _do(request: HttpRequest, user: User, organisation: Organisation) -> HttpResponse:
    what = request.POST.get("what", "")
    steps: dict[str, Callable[..., None]] = {
        "offer": partial(_offer, request),
        "withdraw": ownership.withdraw_offer,
        "accept": ownership.accept_ownership,
        "remove": partial(_remove, request),
    }
    if what not in steps:
        raise Http404
    try:
        steps[what](organisation, by=user)
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("organisation_owner", organisation.slug)
    if what == "accept":
        text = _("You are the owner of %(name)s now.") % {"name": organisation}
        messages.success(request, text)
        return redirect("organisations")
    return redirect("organisation_owner", organisation.slug)


def _remove(request: HttpRequest, organisation: Organisation, *, by: User) -> None:
    chosen = request.POST.get("who", "")
    who = next((p for p in others(organisation) if str(p.uuid) == chosen), None)
    if who is None:
        raise DomainError(_("Choose somebody who belongs to the organisation."), field="who")
    remove_member(organisation, who.uuid, by=by)
    messages.success(request, _("%(name)s is removed.") % {"name": who})


def _offer(request: HttpRequest, organisation: Organisation, *, by: User) -> None:
    chosen = request.POST.get("to", "")
    to = next((p for p in ownership.candidates(organisation) if str(p.uuid) == chosen), None)
    if to is None:
        raise DomainError(_("Choose somebody who belongs to the organisation."), field="to")
    ownership.offer_ownership(organisation, to=to, by=by)
    path = reverse("organisation_owner", args=[organisation.slug])
    context: dict[str, Any] = {
        "organisation": organisation.name,
        "owner": str(by),
        "url": get_adapter(request).absolute_url(path),
    }
    get_adapter(request).send_notification_mail("account/email/ownership_offered", to, context)
