"""Support visits end in time, also where nobody asks for a page any more."""

from uuid import UUID

from django.utils import timezone

from apps.accounts.models import Visit
from apps.accounts.visits import services as visits
from apps.events.actors import SYSTEM
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs


@runs(visits.KIND)
def end_visit(lease: Lease) -> None:
    """End it, or come again when its time has come."""
    visit = Visit.objects.filter(uuid=lease.subject).first()
    with lease.atomic():
        if visit is not None and visit.is_open:
            left = (visit.expires_at - timezone.now()).total_seconds()
            work.postpone(lease, seconds=max(left, 0), reason="It goes on.")
            return
        visits.end(UUID(lease.subject), actor=SYSTEM)
        work.finish(lease, Due.State.DONE)
