"""A subscriber's own account in the portal."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from apps.events.actors import user_actor
from apps.portal.views import shell
from apps.subscribers import services
from apps.subscribers.forms import AccountForm
from apps.subscribers.models import Subscriber


@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Who the ISP thinks you are, and what you may change of it."""
    person = Subscriber.objects.belonging_to(request.user).order_by("pk").first()
    if person is None:
        raise Http404("Nobody's page")
    known = {"name": person.name, "phone": person.phone}
    form = AccountForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        actor = user_actor(request.user)  # type: ignore[arg-type]
        services.update_subscriber(person, actor=actor, **form.cleaned_data)
        messages.success(request, _("Your details are saved."))
        return redirect("portal_account")
    context = {
        **shell(request),
        "form": form,
        "account": person,
        "address": person.addresses.first(),
        "security_url": reverse("account_security"),
    }
    return render(request, "subscribers/account.html", context)
