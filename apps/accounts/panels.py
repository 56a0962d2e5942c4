"""The first steps that every level has: its people, how they sign in, and how it looks."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.accounts.models import User
from apps.accounts.security.factors import ASKED_AT_SIGN_IN
from apps.accounts.security.pages import comes_by_hand_off
from apps.branding.models import Brand, Sender
from apps.portal.registry import on_admin_home
from apps.portal.steps import Step


@on_admin_home("public")
@on_admin_home("console")
@on_admin_home("workspace")
def first_steps(request: HttpRequest) -> dict[str, Any]:
    """Those of them that the viewer may do."""
    user = request.user
    if not isinstance(user, User) or not user.pk:
        return {}
    own = [] if comes_by_hand_off(user) else [_second_factor(user)]
    team = [_team()] if may(user, "people.manage") else []
    brand = [_brand()] if may(user, "brand.change") else []
    sender = [_sender()] if may(user, "mail.manage") else []
    return {"checklist": [*own, *team, *brand, *sender]}


def _second_factor(user: User) -> Step:
    factors = Authenticator.objects.filter(user=user, type__in=ASKED_AT_SIGN_IN)
    text = _("A code or a passkey beside your password.")
    url = reverse("account_security")
    return Step("second-factor", _("Add a second factor"), text, url, factors.exists(), order=70)


def _team() -> Step:
    colleagues = User.objects.filter(is_staff=True, is_active=True)[:2]
    return Step(
        "team",
        _("Invite a colleague"),
        _("With a role that holds what they need, and no more."),
        reverse("admin:accounts_invitation_add"),
        len(colleagues) > 1,
        order=75,
    )


def _brand() -> Step:
    wearing = Brand.objects.exclude(name="", primary="", logo=None)
    text = _("Name, colour and logo on every page and mail.")
    url = reverse("admin:branding_brand_changelist")
    return Step("brand", _("Add your brand"), text, url, wearing.exists(), order=80)


def _sender() -> Step:
    text = _("Mails come from your own address, through your own mail server.")
    url = reverse("admin:branding_sender_changelist")
    done = Sender.objects.filter(is_on=True).exists()
    return Step("sender", _("Send from your own address"), text, url, done, order=85)
