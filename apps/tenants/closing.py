"""Closing an organisation: it can be taken back for a while, then it is erased."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.addresses import platform_url
from apps.accounts.models import User
from apps.accounts.zones import writing_to
from apps.branding.looks import look_in_force
from apps.branding.mail import write_letter
from apps.branding.post import post
from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor
from apps.tenancy.kinds import operator
from apps.tenancy.models import Tenant
from apps.tenants import impersonation
from apps.tenants.models import Erasure, Membership, Organisation, OwnershipOffer
from apps.tenants.telling import tell_workspace

PERMISSION = "organisations.close"
LONGEST_REASON = 300
_OPEN = (Organisation.Status.ACTIVE, Organisation.Status.SUSPENDED)


@transaction.atomic
def close(organisation: Organisation, *, side: str, actor: Actor, reason: str = "") -> Organisation:
    """Close it, to be erased once the days of grace are over; ConflictError while it cannot be.

    The console opens to nobody, the workspace is read-only, and what subscribers use goes on.
    """
    current = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if current.status not in _OPEN:
        raise ConflictError(
            _("%(name)s is %(state)s, so it cannot be closed.")
            % {"name": current, "state": current.get_status_display().lower()}
        )
    now = timezone.now()
    current.closed_from, current.status = current.status, Organisation.Status.CLOSED
    current.closed_at, current.closed_by = now, side
    current.closing_reason = " ".join(reason.split())[:LONGEST_REASON]
    current.erase_after = now + timedelta(days=settings.CLOSING_GRACE_DAYS)
    current.save(update_fields=_FIELDS)
    _shut_console(current)
    OwnershipOffer.objects.filter(organisation=current).delete()
    for visit in impersonation.visits_that_go_on(current):
        impersonation.end(visit, actor)
    tell_workspace(current)
    data = {
        "by": side,
        "erase_after": current.erase_after.isoformat(),
        "reason": current.closing_reason,
    }
    with operator():
        events.record("organisation.closed", actor=actor, subject=current, data=data)
        _mail("tenants/mail/closed", current)
    return current


@transaction.atomic
def reopen(organisation: Organisation, *, actor: Actor) -> Organisation:
    """Take a closing back, so that all works as before; ConflictError once it is being erased."""
    current = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if current.status != Organisation.Status.CLOSED:
        raise ConflictError(_("%(name)s is not closed.") % {"name": current})
    if Erasure.objects.filter(organisation=current.uuid).exists():
        raise ConflictError(
            _("%(name)s is being erased already, which cannot be taken back.") % {"name": current}
        )
    current.status, current.closed_from = current.closed_from or _OPEN[0], ""
    current.closed_at = current.erase_after = None
    current.closed_by = current.closing_reason = ""
    current.save(update_fields=_FIELDS)
    _shut_console(current)
    tell_workspace(current)
    with operator():
        events.record("organisation.reopened", actor=actor, subject=current)
        _mail("tenants/mail/reopened", current)
    return current


def owned_by(user: User) -> list[Organisation]:
    """The closed organisations that somebody can still take back."""
    rows = Organisation.objects.filter(owner=user.uuid, status=Organisation.Status.CLOSED)
    erased = Erasure.objects.values("organisation")
    return list(rows.exclude(uuid__in=erased).order_by("name"))


_FIELDS = [
    "status",
    "closed_from",
    "closed_at",
    "closed_by",
    "closing_reason",
    "erase_after",
]


def _shut_console(organisation: Organisation) -> None:
    """Hosts show it: of the console that it is closed, of the workspace until when."""
    is_closed = organisation.status == Organisation.Status.CLOSED
    rows = Tenant.objects.filter(pk__in=[organisation.console_id, organisation.workspace_id])
    rows.update(erased_from=organisation.erase_after)
    Tenant.objects.filter(pk=organisation.console_id).update(is_shut=is_closed)


def _mail(template: str, organisation: Organisation) -> None:
    """A mail to everybody who belongs to it, each in their language."""
    uuids = Membership.objects.filter(organisation=organisation).values_list("user", flat=True)
    for user in User.objects.filter(uuid__in=list(uuids), is_active=True).order_by("pk"):
        context = {
            "organisation": organisation.name,
            "erase_after": organisation.erase_after,
            "is_owner": user.uuid == organisation.owner,
            "url": platform_url("/organisations/"),
        }
        with writing_to(user, zone=organisation.time_zone):
            letter = write_letter(template, context, look=look_in_force(), home_url=platform_url())
        post(letter, to=[user.email])
