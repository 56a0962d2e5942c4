"""Backups that are on, and the turns of what carries changes."""

from collections.abc import Callable

from django.utils import timezone

from apps.backups.constants import WAL
from apps.backups.models import BackupTarget
from apps.backups.targets import TargetWords, save_target, target_as_it_is
from apps.events.actors import SYSTEM
from apps.work.models import Due
from dotmac.backups import Target

Run = Callable[[], list[str]]


def enter(place: Target) -> BackupTarget:
    """Have backups go there, as an owner would."""
    words = TargetWords(place.kind, place.address, place.user, "", "", 7, 4, 10, is_on=True)
    secret, row = place.secret or None, target_as_it_is()
    return save_target(words, secret=secret, version=row.version, actor=SYSTEM)


def come_again(run_due: Run) -> None:
    """The next turn, without the pause before it."""
    Due.objects.filter(kind=WAL, state="waiting").update(due_at=timezone.now())
    run_due()
