"""The mail with an invitation's link."""

from functools import partial
from smtplib import SMTPException
from typing import Any

import structlog
from allauth.account.adapter import get_adapter
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.addresses import platform_url
from apps.accounts.members import titles_of_roles
from apps.accounts.models import Invitation
from apps.branding.guests import post_to_guest
from apps.tenancy.kinds import CONSOLE, current_schema, kind_of
from dotmac.crypto.secret import Secret

log = structlog.get_logger(__name__)
_TEMPLATE = "account/email/invitation"


def send_invitation(request: HttpRequest, invitation: Invitation, token: Secret) -> None:
    """Send it once it is committed; a mail that is lost is sent again by a button."""
    context = {
        "url": _link(request, token.reveal()),
        "role": titles_of_roles().get(invitation.role, ""),
        "inviter": invitation.inviter,
        "expires_at": invitation.expires_at,
    }
    transaction.on_commit(partial(_send, request, invitation, context))


def _link(request: HttpRequest, token: str) -> str:
    """A console has no passwords, so its people begin at the operator."""
    if kind_of(current_schema()) == CONSOLE:  # type: ignore[attr-defined]
        slug = request.tenant.slug  # type: ignore[attr-defined]
        return platform_url(f"/organisations/{slug}/invitation/{token}/")
    path = reverse("account_invitation", args=[token])
    return str(get_adapter(request).absolute_url(path))


def _send(request: HttpRequest, invitation: Invitation, context: dict[str, Any]) -> None:
    try:
        letter = get_adapter(request).write(_TEMPLATE, invitation.email, context)
        post_to_guest(letter, to=[invitation.email])
    except (OSError, SMTPException):
        log.exception("invitation_not_sent", invitation=str(invitation.uuid))
