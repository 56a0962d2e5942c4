"""The page behind an invitation's link: sign up, or accept as who one is."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import invitations
from apps.accounts.models import Invitation, User
from apps.accounts.services import create_user, has_verified_email
from apps.core.exceptions import ConflictError, DomainError
from apps.events.actors import Actor

Accept = Callable[[User], None]


class JoinForm(forms.Form):
    """Who joins, and the password they choose."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    password = forms.CharField(label=_("Password"), widget=forms.PasswordInput, max_length=200)

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        """The password is judged together with who chooses it."""
        values = super().clean() or {}
        if "password" in values:
            user = User(email=self.email, name=values.get("name", ""))
            try:
                validate_password(values["password"], user)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return values


@never_cache
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """An invitation of this very host."""
    invitation = invitations.open_invitation(token)
    if invitation is None:
        return over(request)
    join = partial(invitations.accept, invitation)
    return invitation_page(request, invitation, join, into="/admin/")


def over(request: HttpRequest) -> HttpResponse:
    """The page of an invitation that is spent, revoked, expired, or none."""
    return render(request, "account/invitation_over.html", status=404)


def invitation_page(
    request: HttpRequest, invitation: Invitation, accept: Accept, *, into: str, where: str = ""
) -> HttpResponse:
    """Ask for what is missing, accept, and go `into` it; people are those of this host."""
    user = request.user if isinstance(request.user, User) else None
    known = user or User.objects.filter(email=invitation.email).first()
    form = None
    if known is None:
        form = JoinForm(request.POST or None, email=invitation.email)
    is_right = user is not None and user.email == invitation.email and has_verified_email(user)
    if request.method == "POST" and (is_right or (form is not None and form.is_valid())):
        try:
            _join(request, invitation, accept, user, form)
            return HttpResponseRedirect(into)
        except DomainError as error:
            if form is None:
                return render(request, "account/invitation_over.html", {"reason": error.message})
            form.add_error(None, error.message)
    query = urlencode({"next": request.path})
    context = {
        "invitation": invitation,
        "form": form,
        "is_right": is_right,
        "where": where or get_adapter(request).brand,
        "login_url": f"{reverse('account_login')}?{query}",
    }
    return render(request, "account/invitation.html", context)


def _join(
    request: HttpRequest,
    invitation: Invitation,
    accept: Accept,
    user: User | None,
    form: JoinForm | None,
) -> None:
    with transaction.atomic():
        joined = user or _create(invitation, form)
        accept(joined)
        if user is None:
            # The link came by mail, so the address is theirs.
            get_adapter(request).login(request, joined)


def _create(invitation: Invitation, form: JoinForm | None) -> User:
    if form is None:
        raise ConflictError(str(_("Sign in first.")))
    return create_user(
        email=invitation.email,
        name=form.cleaned_data["name"],
        password=form.cleaned_data["password"],
        is_verified=True,
        actor=Actor("user", label=invitation.email),
    )
