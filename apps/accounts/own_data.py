"""A person's own data: what there is, a file of it, and leaving for good at the operator."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.models import User
from apps.accounts.personal import user_preview
from apps.accounts.personal_kinds import long_work
from apps.accounts.personal_pages import ErasureForm, PersonalPage, personal_file
from apps.core.exceptions import DomainError
from apps.core.personal import USER
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
@require_http_methods(["GET", "POST"])
@login_required
def own_file(request: HttpRequest) -> HttpResponseBase:
    """All rows about whoever asks; by POST the file is written, which their page shows."""
    back = reverse("account_personal")
    return personal_file(request, USER, _user(request), back=back, follow=False)


@never_cache
@require_GET
@login_required
def own_steps(request: HttpRequest) -> HttpResponse:
    """How their file goes, for the page that is open."""
    shown = _progress(_user(request))
    if not shown:
        raise Http404
    return render(request, "operations/_stepper.html", shown)


def _progress(user: User) -> dict[str, Any]:
    """Without what takes a right to steer; who is no staff follows their own all the same."""
    shown = long_work().progress(USER, user)
    if not shown:
        return {}
    here = {"ws_path": "", "poll_url": reverse("account_personal_steps")}
    if shown.get("next_url"):
        here["next_url"] = reverse("account_personal_file")
    return {**shown, **here, "cancel_url": "", "retry_url": ""}


@reauthentication_required
def _leave(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    if current_schema() != PUBLIC:
        raise Http404
    form = ErasureForm(user.email, request.POST)
    if not form.is_valid():
        return _page(request, form)
    try:
        long_work().erase(USER, user, actor=user_actor(user))
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("account_personal")
    logout(request)
    messages.success(request, _("You are signed out for good, and your account is being erased."))
    return redirect("/")


def _page(request: HttpRequest, form: ErasureForm) -> HttpResponse:
    user = _user(request)
    url = reverse("account_security")
    page = PersonalPage(
        title=str(user),
        of=USER,
        person=user,
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
        "progress": _progress(user),
        "may_leave": current_schema() == PUBLIC,
        "crumbs": [{"title": _("Your security"), "url": url}, {"title": _("Your data")}],
    }
    return render(request, "account/personal.html", context)


def _user(request: HttpRequest) -> User:
    """Whoever is signed in; a support visit is nobody's, and has no data of its own."""
    if not isinstance(request.user, User) or request.user.is_visitor:
        raise Http404
    return request.user
