"""What the workers run: one function, which enters the schema of the work."""

import structlog
from django.conf import settings
from django.db import Error, connection
from django.utils.translation import gettext_noop

from apps.core.languages import speaking
from apps.tenancy.kinds import PUBLIC, schema_of, to_public
from apps.tenancy.migrating.failures import is_left_behind
from apps.work import services
from apps.work.constants import STALLS_ALLOWED
from apps.work.exceptions import LeaseLostError
from apps.work.leases import Heartbeat, Lease, claim
from apps.work.models import Due
from apps.work.observing import observed
from apps.work.registry import runner_of
from apps.work.words import words

log = structlog.get_logger(__name__)
_WAIT_S = 60.0


def run(due_id: str) -> str:
    """Claim a piece of work and run it; returns what became of it, for the worker's log.

    What its runner raises is raised again, after the work was given back for another try.
    """
    # A task before this one may have left the connection elsewhere.
    to_public()
    lease = claim(due_id)
    if lease is None:
        return "taken or not due"
    try:
        with observed(lease), Heartbeat(lease):
            return _run(lease)
    except LeaseLostError:
        log.warning("lease_lost", due=due_id, epoch=lease.epoch)
        return "lease lost"


def _run(lease: Lease) -> str:
    if lease.stalls >= 2 * STALLS_ALLOWED:
        return _abandon(lease)
    if lease.schema != PUBLIC and is_left_behind(lease.schema):
        return _wait(lease)
    try:
        # Whatever a piece of work before this one left: its own receivers say another language.
        with schema_of(lease.schema), speaking(settings.LANGUAGE_CODE):
            runner_of(lease.kind)(lease)
    except LeaseLostError:
        raise
    except Exception:
        log.exception("work_crashed", due=lease.due_id, epoch=lease.epoch, stalls=lease.stalls)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        _give_back(lease)
        raise
    return "ran"


def _wait(lease: Lease) -> str:
    """Its schema lacks what this code needs; it is nobody's fault here, so it costs no try."""
    with lease.atomic():
        reason = words(gettext_noop("This tenant waits for its migration to the new release."))
        services.postpone(lease, seconds=_WAIT_S, reason=reason, stalls=lease.stalls)
    return "waits for its migration"


def _abandon(lease: Lease) -> str:
    """End work whose runner could not even make an end of it."""
    log.error("work_abandoned", due=lease.due_id, kind=lease.kind, stalls=lease.stalls)
    with lease.atomic():
        text = gettext_noop("Abandoned after {tries} tries. The log says why under {id}.")
        reason = words(text, tries=lease.stalls, id=lease.due_id)
        services.finish(lease, Due.State.FAILED, reason=reason)
    return "abandoned"


def _give_back(lease: Lease) -> None:
    """Let it be tried again in a while; without a database the reaper does so later.

    LeaseLostError when another worker has it: what was raised here matters no more.
    """
    pause_s = 2.0 ** min(lease.stalls, 5)
    try:
        with lease.atomic():
            text = gettext_noop("DotMac failed here. The log says why under {id}.")
            reason = words(text, id=lease.due_id)
            services.postpone(lease, seconds=pause_s, reason=reason, stalls=lease.stalls + 1)
    except Error:
        log.warning("work_not_given_back", due=lease.due_id, epoch=lease.epoch)
