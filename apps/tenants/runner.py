"""Having empty schemas ready for sign-ups."""

import structlog
from django.utils.translation import gettext_noop

from apps.tenancy.kinds import operator
from apps.tenancy.spares import fill_spares
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs
from apps.work.words import words

log = structlog.get_logger(__name__)
KIND = "tenants.spares"


def call_for_spares() -> None:
    """Have a worker make what is missing, unless one is called already."""
    with operator():
        work.call(KIND, "all", title=words(gettext_noop("Schemas for sign-ups")))


@runs(KIND)
def make_spares(lease: Lease) -> None:
    """Make them; the clock calls again when more are missing."""
    made = fill_spares()
    log.info("spare_schemas_made", count=made)
    with lease.atomic():
        work.finish(lease, Due.State.DONE)
