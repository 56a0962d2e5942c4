"""Writes about invitations: a role offered by mail to one address."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.access import may
from apps.accounts.members import NO_ROLE, checked_limits, is_given, set_role
from apps.accounts.models import Invitation, User
from apps.accounts.programs import Principal, Program
from apps.branding.guests import EVERY, admit_guest
from apps.core.exceptions import ConflictError, DomainError
from apps.core.permissions import OWNER
from apps.events import services as events
from apps.events.actors import user_actor
from dotmac.crypto.secret import Secret

LASTS = timedelta(days=7)


@transaction.atomic
def invite(
    *, email: str, role: str, by: Principal, limits: Iterable[str] = ()
) -> tuple[Invitation, Secret]:
    """An invitation, and the text of its link, which is not kept.

    ConflictError for somebody who has a role here, is invited already, or gets no mail any more;
    QuotaError when no mail of today is left.
    """
    email = email.lower()
    _check(by, role)
    if User.objects.filter(email=email, is_staff=True).exists():
        raise ConflictError(
            _("%(email)s has a role here already. Change it there.") % {"email": email},
            field="email",
        )
    token, now = secrets.token_urlsafe(32), timezone.now()
    Invitation.objects.filter(
        email=email, accepted_at=None, revoked_at=None, expires_at__lt=now
    ).update(revoked_at=now)
    revoked = Invitation.objects.filter(email=email, revoked_at__isnull=False)
    if revoked.filter(sent_at__gt=now - EVERY).exists():
        raise ConflictError(
            _("%(email)s was sent an invitation within the last minute. Wait a minute.")
            % {"email": email},
            field="email",
        )
    invitation = Invitation(
        email=email, role=role, limits=checked_limits(limits), sent_at=now, **_maker(by)
    )
    invitation.digest, invitation.expires_at = digest_of(token), now + LASTS
    try:
        with transaction.atomic():
            invitation.save()
    except IntegrityError as error:
        raise ConflictError(
            _("%(email)s is invited already. Send that invitation again, or revoke it.")
            % {"email": email},
            field="email",
        ) from error
    admit_guest(email)
    data = {"role": role, "limits": invitation.limits}
    events.record("invitation.created", actor=user_actor(by), subject=invitation, data=data)
    return invitation, Secret(token)


@transaction.atomic
def renew(invitation: Invitation, *, by: Principal) -> Secret:
    """Another link, good from now on; the one before ends.

    ConflictError once it is over or where the address gets no mail any more, QuotaError when no
    mail of today is left.
    """
    _check(by, invitation.role)
    token, now = secrets.token_urlsafe(32), timezone.now()
    rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    values = {"digest": digest_of(token), "sent_at": now, "expires_at": now + LASTS}
    if not rows.filter(sent_at__lte=now - EVERY).update(**values):
        raise ConflictError(
            _("The invitation of %(invitation)s is over, or was sent within the last minute.")
            % {"invitation": invitation}
        )
    admit_guest(invitation.email)
    events.record("invitation.sent_again", actor=user_actor(by), subject=invitation)
    return Secret(token)


@transaction.atomic
def revoke(invitation: Invitation, *, by: Principal) -> None:
    """End an invitation at once; nothing happens when it is over."""
    if not may(by, "people.manage"):
        raise PermissionDenied
    rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if rows.update(revoked_at=timezone.now()):
        events.record("invitation.revoked", actor=user_actor(by), subject=invitation)


def open_invitation(token: str) -> Invitation | None:
    """The invitation that a link is of; None for one that is over, or never was."""
    rows = Invitation.objects.select_related("invited_by", "invited_by_program").filter(
        digest=digest_of(token), accepted_at=None, revoked_at=None
    )
    return rows.filter(expires_at__gt=timezone.now()).first()


@transaction.atomic
def accept(invitation: Invitation, user: User) -> None:
    """Spend it and give the role. ConflictError when it is over, or who invited may no more.

    Whose address it is was checked by the caller, who alone knows where the person signed in.
    """
    now = timezone.now()
    rows = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, revoked_at=None)
    if not rows.filter(digest=invitation.digest, expires_at__gt=now).update(accepted_at=now):
        raise ConflictError(_("This invitation does not work any more. Ask for a new one."))
    limits = [f"{one['type']}:{one['id']}" for one in invitation.limits]
    try:
        set_role(user, invitation.role, by=_maker_of(invitation), limits=limits)
    except (DomainError, PermissionDenied) as error:
        raise ConflictError(
            _("Who invited you may not give this role any more. Ask for a new invitation.")
        ) from error
    events.record("invitation.accepted", actor=user_actor(user), subject=invitation)


def digest_of(token: str) -> str:
    """What is kept of a link's text: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def _maker(by: Principal) -> dict[str, Any]:
    if isinstance(by, Program):
        return {"invited_by_program": by.account, "scopes": list(by.scopes)}
    return {"invited_by": by}


def _maker_of(invitation: Invitation) -> Principal:
    """Who invited, as far as they hold something today: a program with the scopes of then."""
    if invitation.invited_by is not None:
        return invitation.invited_by
    assert invitation.invited_by_program is not None
    return Program(invitation.invited_by_program, tuple(invitation.scopes))


def _check(by: Principal, role: str) -> None:
    """Roles are offered by those who hold as much; ownership is never offered by mail."""
    if not may(by, "people.manage"):
        raise PermissionDenied
    if role in (OWNER, NO_ROLE):
        raise DomainError(_("Choose a role. Owners are made of people who are here."), field="role")
    if not is_given(by, role):
        raise PermissionDenied(_("You cannot give a role that may do more than you."))
