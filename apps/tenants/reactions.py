"""What tenants carry from one schema to another, and the daily renewal of grants."""

from typing import Any
from uuid import UUID

import structlog
from django.db import Error
from django.utils import timezone

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.tenancy.kinds import current_schema, operator
from apps.tenants import grants, impersonation
from apps.tenants.models import Grant, Impersonation, Organisation
from apps.work import services as work
from apps.work.exceptions import LeaseLostError
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import Detail, runs, shows

log = structlog.get_logger(__name__)
_AGAIN_S = 900.0


@events.reacts_to("instance.deployed", "instance.started", "instance.resumed")
def _bring_a_grant(event: Event) -> None:
    """A workspace that came up, or changed its release, gets a grant now."""
    organisation = Organisation.objects.filter(console__schema_name=current_schema()).first()
    if organisation is not None:
        with operator():
            title = f"Renew the grant of {organisation}"
            work.ensure(grants.KIND, str(organisation.uuid), title=title)


@runs(grants.KIND)
def renew_grant(lease: Lease) -> None:
    """Renew once, and come again tomorrow, or soon when it failed."""
    organisation = Organisation.objects.select_related("workspace").get(uuid=lease.subject)
    reason, wait_s = "Renewed daily.", grants.RENEW_EVERY.total_seconds()
    said = grants.told_by(organisation)
    try:
        grants.renew(organisation)
    except (LeaseLostError, Error):
        raise
    except Exception as error:
        reason, wait_s = _explain(organisation, error), _AGAIN_S
        grants.note_failure(organisation, reason)
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
            work.postpone(lease, seconds=max(left, 0), reason="It goes on.")
            return
        impersonation.end(UUID(lease.subject), SYSTEM)
        work.finish(lease, Due.State.DONE)


def _explain(organisation: Organisation, error: Exception) -> str:
    """Why it failed. Renewing never ends: given up, it would close the workspace in 14 days."""
    if isinstance(error, DomainError):
        return error.message
    log.exception("grant_not_renewed", organisation=str(organisation.uuid))
    return f"DotMac failed here. The log says why under {organisation.uuid}."


def _context(subject: str) -> dict[str, Any]:
    """A renewal on the operator's list of work."""
    organisation = Organisation.objects.get(uuid=subject)
    grant = Grant.objects.filter(organisation=organisation).first() or Grant()
    pushed = f"{timezone.localtime(grant.pushed_at):%d %B %H:%M %Z}" if grant.pushed_at else "never"
    said = f" {grant.last_error}" if grant.last_error else ""
    return {
        "operation": {
            "id": subject,
            "title": f"Renew the grant of {organisation}",
            "status": "waiting",
            "waiting_for": f"Renewed daily. Grant {grant.serial}, last brought: {pushed}.{said}",
        },
        "steps": [],
    }


def _steer(subject: str, what: str, user: Any) -> str:
    return "Grants renew by themselves; a failed renewal is tried again every 15 minutes."


shows(grants.KIND, Detail(_context, _steer))
