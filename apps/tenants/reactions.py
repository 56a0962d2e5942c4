"""What tenants carry from one schema to another, and the daily renewal of grants."""

from typing import Any
from uuid import UUID

import structlog
from django.db import Error
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import current_schema, operator
from apps.tenants import grants, impersonation
from apps.tenants.erasing.people import note_erased
from apps.tenants.models import Grant, Impersonation, Organisation
from apps.work import services as work
from apps.work.exceptions import LeaseLostError
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows
from apps.work.words import Words, words

log = structlog.get_logger(__name__)
_AGAIN_S = 900.0


@events.reacts_to("instance.deployed", "instance.started", "instance.resumed")
def _bring_a_grant(event: Event) -> None:
    """A workspace that came up, or changed its release, gets a grant now."""
    organisation = Organisation.objects.filter(console__schema_name=current_schema()).first()
    if organisation is not None:
        with operator():
            title = words(gettext_noop("Renew the grant of {name}"), name=organisation)
            work.ensure(grants.KIND, str(organisation.uuid), title=title)


@events.reacts_to("user.erased", "subscriber.erased")
def _remember_erasure(event: Event) -> None:
    """So that a restored database can be told whom it has again."""
    kind = event.type.partition(".")[0]
    note_erased(current_schema(), kind, event.subject_id, event.at)


@runs(grants.KIND)
def renew_grant(lease: Lease) -> None:
    """Renew once, and come again tomorrow, or soon when it failed."""
    organisation = Organisation.objects.select_related("workspace").get(uuid=lease.subject)
    reason: Words | str = words(gettext_noop("Renewed daily."))
    wait_s = grants.RENEW_EVERY.total_seconds()
    said = grants.told_by(organisation)
    try:
        grants.renew(organisation)
    except (LeaseLostError, Error):
        raise
    except Exception as error:
        reason, wait_s = _explain(organisation, error), _AGAIN_S
        grants.note_failure(organisation, str(reason))
    with lease.atomic():
        # Who left while it was on its way could not call for another one.
        if grants.told_by(organisation) != said:
            wait_s = 0.0
        work.postpone(lease, seconds=wait_s, reason=reason)


@runs(impersonation.KIND)
def end_impersonation(lease: Lease) -> None:
    """A support visit is over in time, also where nobody asks for a page any more."""
    visit = Impersonation.objects.filter(uuid=lease.subject).first()
    with lease.atomic():
        if visit is not None and visit.ended_at is None and visit.expires_at > timezone.now():
            left = (visit.expires_at - timezone.now()).total_seconds()
            reason = words(gettext_noop("It goes on."))
            work.postpone(lease, seconds=max(left, 0), reason=reason)
            return
        impersonation.end(UUID(lease.subject), SYSTEM)
        work.finish(lease, Due.State.DONE)


def _explain(organisation: Organisation, error: Exception) -> Words | str:
    """Why it failed. Renewing never ends: given up, it would close the workspace in 14 days."""
    if isinstance(error, DomainError):
        return error.message
    log.exception("grant_not_renewed", organisation=str(organisation.uuid))
    text = gettext_noop("DotMac failed here. The log says why under {id}.")
    return words(text, id=organisation.uuid)


def _context(subject: str) -> dict[str, Any]:
    """A renewal on the operator's list of work."""
    organisation = Organisation.objects.get(uuid=subject)
    grant = Grant.objects.filter(organisation=organisation).first() or Grant()
    pushed = _("never")
    if grant.pushed_at:
        pushed = date_format(timezone.localtime(grant.pushed_at), "DATETIME_FORMAT")
    said = _("Renewed daily. Grant %(serial)s, last brought: %(pushed)s.")
    said %= {"serial": grant.serial, "pushed": pushed}
    return {
        "operation": {
            "id": subject,
            "title": _("Renew the grant of {name}").format(name=organisation),
            "status": "waiting",
            "waiting_for": f"{said} {grant.last_error}".strip(),
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    return _("Grants renew by themselves; a failed renewal is tried again every 15 minutes.")


shows(grants.KIND, Detail(_context, _steer))
