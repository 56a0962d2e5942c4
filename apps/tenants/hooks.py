"""What lower apps ask of the tenants."""

from datetime import datetime

from django.db.models import Max

from apps.backups.ledger import Ledger, outlives_restores
from apps.backups.promises import promises
from apps.billing.exceptions import PlanNotFoundError
from apps.branding.looks import zone_source
from apps.branding.quota import quota_source
from apps.core.api.limits import limit_source
from apps.core.sealed import seals
from apps.tenancy.kinds import CONSOLE, PUBLIC, current_schema, kind_of
from apps.tenancy.templates import when_dropped
from apps.tenants import stripe
from apps.tenants.bringing.services import forget_files, forget_files_of
from apps.tenants.erasing import again, people
from apps.tenants.models import Erasure, Organisation
from apps.tenants.plans import entitlements_of
from apps.work.registry import cleans

__all__ = ["stripe"]

when_dropped(forget_files_of)

# What has to be known even after a restore to a moment before it.
outlives_restores(
    Ledger("erasures", again.certificates_here, again.certificate_file, again.take_certificate_in)
)
outlives_restores(
    Ledger("erased-people", people.people_here, people.person_file, people.take_person_in)
)


@cleans
def _forget_files() -> None:
    """They lie at the operator, who is one of the schemas that this is asked in."""
    if current_schema() == PUBLIC:
        forget_files()


@promises
def _erased(now: datetime) -> datetime | None:
    """What certificates say is in no backup any more, until when all of it was erased."""
    ended = Erasure.objects.filter(backups_until__lte=now)
    newest: datetime | None = ended.aggregate(newest=Max("erased_at"))["newest"]
    return newest


@limit_source
def console_requests() -> int | None:
    """Requests a minute of each key of a console; None where no plan names them.

    They are known for a minute (core.api.limits), so another plan counts within that time.
    """
    return _planned("api_requests_per_minute")


@quota_source
def console_mails() -> int | None:
    """Mails in a day of a console; None where no plan names them."""
    return _planned("mails_per_day")


@zone_source
def console_zone() -> str:
    """The time zone of a console's organisation."""
    if kind_of(current_schema()) != CONSOLE:
        return ""
    organisations = Organisation.objects.filter(console__schema_name=current_schema())
    return organisations.values_list("time_zone", flat=True).first() or ""


def _planned(name: str) -> int | None:
    if kind_of(current_schema()) != CONSOLE:
        return None
    organisation = Organisation.objects.filter(console__schema_name=current_schema()).first()
    try:
        return entitlements_of(organisation).get(name) if organisation else None
    except PlanNotFoundError:
        return None


seals(Erasure, "sealed")
