"""What the workers run: one function, which enters the schema of the work."""

import structlog
from django.db import connection

from apps.tenancy.kinds import schema_of
from apps.work.exceptions import LeaseLostError
from apps.work.leases import Heartbeat, claim
from apps.work.registry import runner_of

log = structlog.get_logger(__name__)


def run(due_id: str) -> str:
    """Claim a piece of work and run it; returns what became of it, for the worker's log."""
    # A task before this one may have left the connection elsewhere.
    connection.set_schema_to_public()
    lease = claim(due_id)
    if lease is None:
        return "taken or not due"
    try:
        with Heartbeat(lease), schema_of(lease.schema):
            runner_of(lease.kind)(lease)
    except LeaseLostError:
        log.warning("lease_lost", due=due_id, epoch=lease.epoch)
        return "lease lost"
    return "ran"
