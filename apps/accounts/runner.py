"""Noting that a key ends soon; a worker calls it at the times that the key was made with."""

from django.utils import timezone

from apps.accounts.api_keys import KIND
from apps.accounts.models import ApiKey
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs


@runs(KIND)
def note_end(lease: Lease) -> None:
    """An event, unless the key is over or was replaced; who is told is not its matter."""
    uuid = lease.subject.partition(":")[0]
    with lease.atomic():
        key = ApiKey.objects.select_related("account").filter(uuid=uuid).first()
        if key and key.is_usable and key.expires_at and not key.replaced_by_id:
            days = round((key.expires_at - timezone.now()).total_seconds() / 86400)
            data = {
                "account": key.account.name,
                "name": key.name,
                "prefix": key.prefix,
                "date": f"{key.expires_at:%Y-%m-%d}",
                "days": days,
                "id": key.pk,
            }
            events.record("api_key.expires_soon", actor=SYSTEM, subject=key, data=data)
        work.finish(lease, Due.State.DONE)
