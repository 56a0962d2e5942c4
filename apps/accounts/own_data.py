"""A person's own data: what there is, a file of it, and leaving for good at the operator."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.personal import erase_user, user_data, user_preview
from apps.accounts.personal_pages import ErasureForm, PersonalPage, as_file
from apps.core.exceptions import DomainError
from apps.events.actors import user_actor
from apps.tenancy.kinds import PUBLIC, current_schema


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def personal(request: HttpRequest) -> HttpResponse:
    """What is kept of whoever asks; at the operator they can erase themselves."""
    if request.method == "POST":
        return _leave(request)
    return _page(request, ErasureForm(_user(request).email))


@never_cache
@require_GET
@login_required
def personal_file(request: HttpRequest) -> HttpResponse:
    """All rows about whoever asks."""
    user = _user(request)
    return as_file(request, user_data(user), subject=user)


@reauthentication_required
def _leave(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    if current_schema() != PUBLIC:
        raise Http404
    form = ErasureForm(user.email, request.POST)
    if not form.is_valid():
        return _page(request, form)
    try:
        erase_user(user, actor=user_actor(user))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("account_personal")
    logout(request)
    messages.success(request, _("Your account is erased."))
    return redirect("/")


def _page(request: HttpRequest, form: ErasureForm) -> HttpResponse:
    user = _user(request)
    url = reverse("account_security")
    page = PersonalPage(
        title=str(user),
        confirm=user.email,
        lines=user_preview(user),
        erase=lambda: None,
        file_url=reverse("account_personal_file"),
        back_url=url,
        done_url="/",
    )
    context = {
        "page": page,
        "form": form,
        "may_leave": current_schema() == PUBLIC,
        "crumbs": [{"title": _("Your security"), "url": url}, {"title": _("Your data")}],
    }
    return render(request, "account/personal.html", context)


def _user(request: HttpRequest) -> User:
    """Whoever is signed in; a support visit is nobody's, and has no data of its own."""
    if not isinstance(request.user, User) or request.user.is_visitor:
        raise Http404
    return request.user
