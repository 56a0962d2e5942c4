"""What tenants carry from one schema to another, and the daily renewal of grants."""

from django.db import connection

from apps.core.exceptions import DomainError
from apps.events import services as events
from apps.events.models import Event
from apps.tenancy.kinds import operator
from apps.tenants import grants
from apps.tenants.models import Organisation
from apps.work import services as work
from apps.work.leases import Lease
from apps.work.registry import runs

_AGAIN_S = 900.0


@events.reacts_to("instance.deployed")
def _bring_a_grant(event: Event) -> None:
    """A workspace that came up, or changed its release, gets a grant now."""
    organisation = Organisation.objects.filter(console__schema_name=connection.schema_name).first()
    if organisation is not None:
        with operator():
            title = f"Renew the grant of {organisation}"
            work.ensure(grants.KIND, str(organisation.uuid), title=title)


@runs(grants.KIND)
def renew_grant(lease: Lease) -> None:
    """Renew once, and come again tomorrow, or soon when it failed."""
    organisation = Organisation.objects.select_related("workspace").get(uuid=lease.subject)
    reason, wait_s = "Renewed daily.", grants.RENEW_EVERY.total_seconds()
    try:
        grants.renew(organisation)
    except DomainError as error:
        grants.note_failure(organisation, error.message)
        reason, wait_s = error.message, _AGAIN_S
    with lease.atomic():
        work.postpone(lease, seconds=wait_s, reason=reason)
