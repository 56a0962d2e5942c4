"""Whom identity providers may sign in: allauth's hooks, with the owner's rules."""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.providers.models import IdentityProvider
from apps.accounts.providers.net import GuardedSession
from apps.accounts.providers.saml import ATTRIBUTES
from apps.accounts.providers.services import secret_of
from apps.events import services as events
from apps.events.actors import user_actor

_GITHUB = IdentityProvider.Kind.GITHUB


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Identity providers of the current schema."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The providers that are on, as allauth wants them; allauth's own table stays empty."""
        found = IdentityProvider.objects.filter(is_on=True)
        if client_id:
            found = found.filter(client_id=client_id)
        apps = [_app(row) for row in found]
        return [app for app in apps if provider in (None, app.provider, app.provider_id)]

    def get_requests_session(self) -> GuardedSession:
        """For every request to a provider."""
        return GuardedSession()

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse who brings no proven address of a domain that may come, or is unknown here."""
        provider = _row(sociallogin)
        emails = [a.email.lower() for a in sociallogin.email_addresses if a.verified]
        admitted = [email for email in emails if provider.admits(email)]
        if not emails:
            _refuse(request, provider, _("It does not say that your e-mail address is proven."))
        if not admitted:
            _refuse(request, provider, _("People with your e-mail address do not come from there."))
        if sociallogin.is_existing or sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        if User.objects.filter(email__in=admitted).exists():
            text = _(
                "An account with your e-mail address is here, and this provider is not trusted with"
                " it. Sign in as usual, then connect the provider in your security."
            )
            _refuse(request, provider, text)
        if not provider.creates_people:
            text = _("Nobody with your e-mail address is known here. Ask for an invitation.")
            _refuse(request, provider, text)

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        """Only where the owner named the domain: the provider is believed for no others."""
        return _row(login).vouches_for(email)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """As the provider's owner said; all else was refused before."""
        return _row(sociallogin).creates_people

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: Any) -> User:
        """Name and address of somebody new."""
        user: User = super().populate_user(request, sociallogin, data)
        user.email = user.email.lower()
        names = [data.get("first_name") or "", data.get("last_name") or ""]
        user.name = (data.get("name") or " ".join(names)).strip()[:120]
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Make the person, with the event that tells of it. They have no rights yet."""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            data = {"provider": sociallogin.account.provider}
            events.record("user.created", actor=user_actor(user), subject=user, data=data)
        return user

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        """Back to where the button was."""
        return reverse("account_security")


def _app(row: IdentityProvider) -> SocialApp:
    common = {"name": row.name, "client_id": row.client_id, "secret": secret_of(row).reveal()}
    if row.kind == _GITHUB:
        return SocialApp(provider="github", **common)
    if row.kind == IdentityProvider.Kind.SAML:
        # Assertions say nothing of addresses being proven; the owner named whose count.
        known = {
            "metadata": row.metadata,
            "verified_email": row.domains,
            "attribute_mapping": ATTRIBUTES,
        }
        return SocialApp(provider="saml", provider_id=row.key, settings=known, **common)
    settings = {"server_url": row.issuer, "oauth_pkce_enabled": True, "kind": row.kind}
    if row.kind == IdentityProvider.Kind.MICROSOFT:
        # A directory says nothing of addresses being proven. It is one directory, whose owner
        # named the domains: for these it is believed.
        settings["verified_email"] = row.domains
    return SocialApp(provider="openid_connect", provider_id=row.key, settings=settings, **common)


def _row(sociallogin: SocialLogin) -> IdentityProvider:
    """The provider of a login. GitHub's accounts bear its name, the others' their key."""
    return IdentityProvider.objects.get(key=sociallogin.account.provider, is_on=True)


def _refuse(request: HttpRequest, provider: IdentityProvider, text: str) -> None:
    context = {"provider": provider, "text": text}
    response = render(request, "socialaccount/refused.html", context, status=403)
    raise ImmediateHttpResponse(response)
