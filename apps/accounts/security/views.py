"""A person's own security: one page, and what its buttons do."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from allauth.mfa.webauthn.views import LoginWebAuthnView
from allauth.socialaccount.internal.flows import connect
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.addresses import local_path, platform_url
from apps.accounts.models import User
from apps.accounts.providers.pages import connections
from apps.accounts.security import sessions
from apps.accounts.security.factors import has_factor
from apps.accounts.security.limits import too_many
from apps.accounts.security.methods import holds_second_factor, methods_of
from apps.accounts.security.pages import comes_by_hand_off, security_page
from apps.accounts.security.proof import factor_again
from apps.events.actors import user_actor

_WANTED = "wanted_after_second_factor"


@never_cache
@login_required
def security(request: HttpRequest) -> HttpResponse:
    """Password, second factors, sessions and recent sign-ins."""
    assert isinstance(request.user, User)
    sessions.note_seen(request)
    home = get_adapter(request).get_login_redirect_url(request)
    crumbs = [{"title": _("Home"), "url": home}, {"title": _("Your security")}]
    context = {
        **security_page(request, request.user),
        "crumbs": crumbs,
        "connections": connections(request.user),
    }
    return render(request, "account/security.html", context)


@never_cache
@login_required
def second_factor(request: HttpRequest) -> HttpResponse:
    """Where somebody is led who needs a second factor: to use theirs, or to set one up."""
    assert isinstance(request.user, User)
    if "next" in request.GET:
        request.session[_WANTED] = local_path(request.GET["next"], reverse("account_security"))
    if holds_second_factor(methods_of(request)):
        return redirect(request.session.pop(_WANTED, reverse("account_security")))
    if comes_by_hand_off(request.user):
        platform = {"next": "/organisations/open/"}
        address = f"{platform_url('/accounts/security/second-factor/')}?{urlencode(platform)}"
        context = {"platform_url": address, "again": reverse("sso_login")}
        return render(request, "account/second_factor_elsewhere.html", context)
    if has_factor(request.user):
        query = urlencode({"next": request.path})
        return HttpResponseRedirect(f"{factor_again(request.user)}?{query}")
    return render(request, "account/second_factor.html")


@require_POST
@login_required
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own sessions."""
    assert isinstance(request.user, User)
    session = get_object_or_404(UserSession, pk=pk, user=request.user)
    sessions.revoke_session(session, actor=user_actor(request.user))
    messages.success(request, _("That session is ended."))
    return redirect("account_security")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all of one's sessions but this, in consoles and workspaces too."""
    assert isinstance(request.user, User)
    ended = sessions.revoke_everywhere(
        request.user, keep=request.session.session_key, actor=user_actor(request.user)
    )
    text = ngettext("%(count)s session is ended.", "%(count)s sessions are ended.", ended)
    messages.success(request, text % {"count": ended})
    return redirect("account_security")


@never_cache
@require_http_methods(["GET", "POST"])
def end_unknown_session(request: HttpRequest, token: str) -> HttpResponse:
    """From the mail about a new sign-in: end that session, whoever is in this browser."""
    session = sessions.session_of_token(token)
    if session is not None and request.method == "POST":
        sessions.revoke_by_token(session)
        return render(request, "account/session_ended.html", {"is_ended": True})
    template = "account/end_session.html" if session else "account/session_ended.html"
    return render(request, template, {"session": session, "is_ended": False})


@require_POST
@login_required
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an identity provider away from one's account, unless it is the only way in."""
    account = get_object_or_404(SocialAccount, pk=pk, user=request.user)
    try:
        connect.validate_disconnect(request, account)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        connect.disconnect(request, account)
    return redirect("account_security")


class SecondStep(AuthenticateView):  # type: ignore[misc]
    """The second step of signing in, which says plainly when it was tried too often."""

    def form_invalid(self, form: Any) -> HttpResponse:
        """The form again, or the page of those who have to wait."""
        fields = ("code", "credential")
        if any(form.has_error(field, code="too_many_login_attempts") for field in fields):
            return too_many(self.request)
        response: HttpResponse = super().form_invalid(form)
        return response


class PasskeyLogin(LoginWebAuthnView):  # type: ignore[misc]
    """Signing in with a passkey alone, and on to where the person was going."""

    def form_valid(self, form: Any) -> HttpResponse:
        """allauth's, which forgets `next`."""
        authenticator = form.cleaned_data["credential"]
        wanted = get_next_redirect_url(self.request)
        login = Login(user=authenticator.user, redirect_url=wanted)
        response: HttpResponse = perform_passwordless_login(self.request, authenticator, login)
        return response
