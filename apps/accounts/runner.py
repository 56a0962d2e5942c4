"""What comes due of accounts: the end of a support visit, and that of a key nears."""

from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.accounts import api_keys
from apps.accounts.models import ApiKey, Visit
from apps.accounts.providers import runner as providers
from apps.accounts.visits import services as visits
from apps.branding.looks import look_in_force
from apps.core.zones import day_in
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.models import Due
from apps.work.registry import runs
from apps.work.words import words

# Imported for what it registers.
__all__ = ["end_visit", "note_end", "providers"]


@runs(visits.KIND)
def end_visit(lease: Lease) -> None:
    """End it, or come again when its time has come."""
    visit = Visit.objects.filter(uuid=lease.subject).first()
    with lease.atomic():
        if visit is not None and visit.is_open:
            left = (visit.expires_at - timezone.now()).total_seconds()
            work.postpone(lease, seconds=max(left, 0), reason=words(gettext_noop("It goes on.")))
            return
        visits.end(UUID(lease.subject), actor=SYSTEM)
        work.finish(lease, Due.State.DONE)


@runs(api_keys.KIND)
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
                "date": f"{day_in(look_in_force().time_zone, key.expires_at):%Y-%m-%d}",
                "days": days,
                "id": key.pk,
            }
            events.record("api_key.expires_soon", actor=SYSTEM, subject=key, data=data)
        work.finish(lease, Due.State.DONE)
