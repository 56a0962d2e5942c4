"""Places that backups went to before: kept with what opens them until nothing lies there."""

from django.db import transaction
from django.utils import timezone

from apps.backups.models import BackupTarget, FormerPlace
from apps.backups.opening import key_of, opened
from apps.events import services as events
from apps.events.actors import Actor, Subject
from dotmac.backups import Store, Target
from dotmac.backups.retention import Keep

_SUBJECT = "backup_place"


def keep_place(row: BackupTarget) -> None:
    """Remember the present one before another follows, if anything of ours lies there.

    Inside a transaction.
    """
    if not row.is_begun:
        return
    FormerPlace.objects.create(
        kind=row.kind,
        address=row.address,
        user=row.user,
        region=row.region,
        host_key=row.host_key,
        secret=row.secret,
        token=row.token,
        keep_daily=row.keep_daily,
        keep_weekly=row.keep_weekly,
        left_at=timezone.now(),
        oldest_at=row.oldest_at,
    )


def come_back(row: BackupTarget) -> None:
    """Go on where the place is one of before: what lies there is this installation's own."""
    here = Target(row.kind, row.address)
    for place in FormerPlace.objects.select_for_update():
        if Target(place.kind, place.address).is_same_place(here):
            row.token, row.is_begun, row.oldest_at = place.token, True, place.oldest_at
            place.delete()


def store_of_former(place: FormerPlace) -> Store:
    """The way to what lies there; CipherError without the keys of this installation."""
    secret = opened(place.secret)
    target = Target(place.kind, place.address, place.user, secret, place.region, place.host_key)
    return Store(target, key_of(BackupTarget.objects.get()))


def keep_of_former(place: FormerPlace) -> Keep:
    """What was kept there."""
    return Keep(place.keep_daily, place.keep_weekly)


@transaction.atomic
def drop_place(pk: int, *, actor: Actor) -> None:
    """Take a place off the list, since somebody has deleted by hand what lay there."""
    place = FormerPlace.objects.select_for_update().filter(pk=pk).first()
    if place is None:
        return
    about = Subject(_SUBJECT, str(pk), place.address[:120])
    events.record("backup_place.removed", actor=actor, subject=about)
    place.delete()
