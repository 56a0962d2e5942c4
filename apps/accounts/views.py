"""Signing in: with a password at the operator and in workspaces, by hand-off elsewhere."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.accounts import hand_off, services
from apps.accounts.addresses import host_of, local_path, platform_url
from apps.accounts.exceptions import HandOffError
from apps.accounts.languages import note_language
from apps.accounts.models import User
from apps.accounts.providers.pages import sign_in_buttons
from apps.accounts.security.limits import too_many
from apps.accounts.security.methods import add_methods
from apps.accounts.security.policy import check_hand_off
from apps.accounts.security.sessions import begin_session, client_ip
from apps.tenancy.kinds import CONSOLE, current_schema, kind_of

_HOME = "/admin/"


class _LimitedLogin(LoginView):  # type: ignore[misc]
    """Log-in that says plainly when it was tried too often."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and the identity providers that are on."""
        wanted = get_next_redirect_url(self.request)
        return {**super().get_context_data(**kwargs), "providers": sign_in_buttons(wanted)}

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again, or the page of those who have to wait."""
        if form.has_error(NON_FIELD_ERRORS, code="too_many_login_attempts"):
            return too_many(self.request)
        response: HttpResponse = super().form_invalid(form)
        return response


class OperatorLogin(_LimitedLogin):
    """Log-in at the operator, with the way to sign-up."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and where sign-up begins."""
        return {**super().get_context_data(**kwargs), "signup_url": reverse("signup")}


class WorkspaceLogin(_LimitedLogin):
    """Log-in of a workspace's own users, with the way in for staff who come from the platform."""

    template_name = "account/login_workspace.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and where staff go; nobody signs up here."""
        context = super().get_context_data(**kwargs)
        wanted = local_path(self.request.GET.get("next"), _HOME)
        return {**context, "signup_url": "", "staff_login_url": _sso_login_url(wanted)}


def console_login(request: HttpRequest) -> HttpResponse:
    """A console has no passwords: on to the hand-off."""
    return HttpResponseRedirect(_sso_login_url(local_path(request.GET.get("next"), _HOME)))


def admin_login(
    request: HttpRequest,
    extra_context: dict[str, Any] | None = None,
) -> HttpResponse:
    """What an admin site does with somebody who may not see it: sign in, or be told so."""
    user = request.user
    if user.is_authenticated and not (user.is_active and user.is_staff):
        reason = _("%(email)s may not see this page. Sign in with an account of the staff.") % {
            "email": user.email
        }
        return render(request, "403.html", {"reason": reason}, status=403)
    wanted = local_path(request.GET.get("next"), _HOME)
    if user.is_authenticated:
        return HttpResponseRedirect(wanted if wanted != request.path else _HOME)
    if kind_of(current_schema()) == CONSOLE:  # type: ignore[attr-defined]
        return HttpResponseRedirect(_sso_login_url(wanted))
    return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': wanted})}")


@require_GET
@never_cache
def sso_login(request: HttpRequest) -> HttpResponse:
    """Mark this browser, and ask the operator who is in it."""
    wanted = local_path(request.GET.get("next"), _HOME)
    secret, state = hand_off.new_state()
    query = urlencode({"host": host_of(request), "state": state, "next": wanted})
    response = HttpResponseRedirect(platform_url(f"/sso/authorize/?{query}"))
    response.set_cookie(
        hand_off.cookie_name(state, is_secure=request.is_secure()),
        secret,
        max_age=hand_off.STATE_SECONDS,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@require_GET
@never_cache
def sso_enter(request: HttpRequest) -> HttpResponse:
    """Come in with a hand-off, once; or a page that says why not, with a button to start again."""
    try:
        entrance = hand_off.open_entrance(request.GET.get("token", ""), host=host_of(request))
        user = _come_in(request, entrance)
    except HandOffError as error:
        return refused(request, error)
    note_language(user)
    response = HttpResponseRedirect(local_path(entrance.hand_off.next_path, _HOME))
    response.delete_cookie(hand_off.cookie_name(entrance.state, is_secure=request.is_secure()))
    return response


def refused(request: HttpRequest, error: HandOffError) -> HttpResponse:
    """Say why nobody is signed in."""
    context = {
        "reason": error.reason,
        "text": error.message,
        "again": _sso_login_url(_HOME),
        "factor_url": platform_url("/accounts/security/second-factor/"),
    }
    return render(request, "sso/refused.html", context, status=error.status)


@transaction.atomic
def _come_in(request: HttpRequest, entrance: hand_off.Entrance) -> User:
    """Begin the session with the row still locked: who ends all sessions then finds this one."""
    user = _admit(request, entrance)
    if getattr(request.user, "visit", None) is not None:
        # Who comes as themselves takes nothing of a support visit along.
        request.session.flush()
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    add_methods(request, entrance.hand_off.amr)
    begin_session(request)
    return user


def _admit(request: HttpRequest, entrance: hand_off.Entrance) -> User:
    # Asked before the cookie, which is gone once the link was used.
    if services.is_spent(entrance.jti):
        raise HandOffError("used")
    hand_off.check_browser(entrance.state, request.COOKIES, is_secure=request.is_secure())
    check_hand_off(UUID(entrance.hand_off.user_id), entrance.hand_off.amr)
    return services.enter(entrance, ip=client_ip(request))


def _sso_login_url(wanted: str) -> str:
    return f"{reverse('sso_login')}?{urlencode({'next': wanted})}"
