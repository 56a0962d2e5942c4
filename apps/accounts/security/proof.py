"""Whether somebody proved a moment ago who they are, before something grave."""

import time
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.security.factors import has_factor


def where_to_prove(request: HttpRequest, user: User) -> str:
    """Where they prove it again and come back from; empty when they did minutes ago.

    Who has a second factor proves it by that. Who signs in by an identity provider alone can show
    nothing here, and sets a factor up first.
    """
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    recent = [r for r in get_authentication_records(request, user) if r.get("at", 0) > since]
    back = urlencode({"next": request.get_full_path()})
    if has_factor(user):
        is_proven = any(r.get("method") == "mfa" for r in recent)
        return "" if is_proven else f"{factor_again(user)}?{back}"
    if not user.has_usable_password():
        return reverse("account_second_factor")
    is_proven = any(r.get("method") == "password" for r in recent)
    return "" if is_proven else f"{reverse('account_reauthenticate')}?{back}"


def factor_again(user: User) -> str:
    """Where a person proves the factor that they have."""
    ways = get_adapter().get_reauthentication_methods(user)
    return str(next(way["url"] for way in ways if way["id"].startswith("mfa_")))
