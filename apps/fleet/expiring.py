"""Telling of certificates that end soon or have ended, whoever should have renewed them.

What the edge serves is looked at, and the clock of now: so it is told too where the renewal itself
is what broke.
"""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.branding.looks import look_in_force
from apps.core.zones import day_in
from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.fleet.models import Certificate

_Told = Certificate.Told


def tell() -> int:
    """Record each that ends soon, has ended, or is well again, once; returns how many."""
    now = timezone.now()
    soon = Q(warn_at__lt=now) & Q(told=_Told.NOTHING)
    ended = Q(expires_at__lt=now) & ~Q(told=_Told.ENDED)
    well = Q(warn_at__gte=now) & ~Q(told=_Told.NOTHING)
    return sum(_tell_of(row) for row in Certificate.objects.filter(soon | ended | well))


def about(certificate: Certificate) -> Subject:
    """The subject of its events; it has one name for as long as it is served."""
    return Subject("served_certificate", certificate.name, certificate.name)


@transaction.atomic
def _tell_of(row: Certificate) -> bool:
    now = timezone.now()
    assert row.expires_at is not None
    wanted = _Told.NOTHING
    if row.expires_at < now:
        wanted = _Told.ENDED
    elif row.warn_at is not None and row.warn_at < now:
        wanted = _Told.SOON
    same = Certificate.objects.filter(pk=row.pk, told=row.told, expires_at=row.expires_at)
    if wanted == row.told or not same.update(told=wanted):
        return False
    types = {_Told.SOON: "certificate.expiring", _Told.ENDED: "certificate.ended"}
    data = {
        "names": ", ".join(row.hostnames),
        "day": f"{day_in(look_in_force().time_zone, row.expires_at):%Y-%m-%d}",
        "had_ended": row.told == _Told.ENDED,
    }
    event = types.get(wanted, "certificate.newer")
    events.record(event, actor=SYSTEM, subject=about(row), data=data)
    return True
