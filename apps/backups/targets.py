"""Writes about where backups go; what opens the place and the backups is encrypted in its row."""

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.backups.constants import WAL, WAL_SUBJECT
from apps.backups.exceptions import TargetError
from apps.backups.former import come_back, keep_place
from apps.backups.models import BackupTarget
from apps.backups.opening import closed, closed_key, key_of, opened
from apps.backups.places import database, environment, is_server
from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of
from apps.work import services as work
from apps.work.words import words
from dotmac.backups import BackupError, Kit, Store, Target
from dotmac.backups.kit import INSTALL, REBUILD
from dotmac.backups.retention import Keep
from dotmac.crypto.secret import Secret, generate_secret

SUBJECT = Subject("backup_target", "1", "Backups")
_PROBE = "probe.txt"
_PLACE = ("kind", "address", "user")


@dataclass(frozen=True)
class TargetWords:
    """What an owner enters, without what is secret."""

    kind: str
    address: str
    user: str
    region: str
    host_key: str
    keep_daily: int
    keep_weekly: int
    wal_limit_gb: int
    is_on: bool


@transaction.atomic
def save_target(
    entered: TargetWords, *, secret: Secret | None, version: int, actor: Actor
) -> BackupTarget:
    """Change where backups go; without `secret` the one it has stays, as long as the place does.

    TargetError names the field that is wrong; NoDatabaseError where the database is elsewhere;
    ConflictError when somebody has saved since.
    """
    row = _row_for_update()
    if row.version != version:
        raise ConflictError(_("Somebody else has changed this meanwhile. Look at it again."))
    is_elsewhere = any(getattr(row, name) != getattr(entered, name) for name in _PLACE)
    _check(row, entered, secret, is_elsewhere=is_elsewhere)
    is_switched_on = entered.is_on and not row.is_on
    # Another user of the same folder finds there what is there.
    here = Target(row.kind, row.address)
    has_moved = not here.is_same_place(Target(entered.kind, entered.address))
    if has_moved:
        keep_place(row)
    told = asdict(entered)
    told.pop("host_key")
    before = values_of(row, told)
    for name, value in asdict(entered).items():
        setattr(row, name, value)
    if has_moved:
        _begin_elsewhere(row)
        come_back(row)
    _keep_secrets(row, secret, is_elsewhere=is_elsewhere)
    if is_elsewhere or secret:
        row.changed_at = timezone.now()
    if row.is_on and (has_moved or is_switched_on):
        row.on_since = timezone.now()
    row.version += 1
    row.save()
    data = {**told, "secret_changed": bool(secret), CHANGED: differences(before, told)}
    events.record("backup_target.changed", actor=actor, subject=SUBJECT, data=data)
    if row.is_on:
        call_carrier()
    return row


@transaction.atomic
def call_carrier() -> None:
    """Have a worker carry WAL now, and again and again from then on."""
    text = gettext_noop("Carry the log of changes off site")
    work.call(WAL, WAL_SUBJECT, title=words(text))


def set_first_target(place: Target, *, actor: Actor) -> BackupTarget:
    """Have backups go there, unless they go somewhere already; the row as it is then.

    A place that nothing was written to yet is replaced, and the one that is in use stays as owners
    have set it. TargetError for another one, as of `save_target`.
    """
    row = target_as_it_is()
    is_here = all(getattr(row, name) == getattr(place, name) for name in _PLACE)
    if row.is_begun:
        if is_here:
            return row
        text = _(
            "Backups go to %(address)s already. Another place is chosen on the page “Backups”."
        )
        raise TargetError(text % {"address": row.address})
    if row.is_on and is_here and (not place.secret or place_of(row) == place):
        return row
    entered = TargetWords(
        kind=place.kind,
        address=place.address,
        user=place.user,
        region=place.region,
        host_key=place.host_key,
        keep_daily=row.keep_daily,
        keep_weekly=row.keep_weekly,
        wal_limit_gb=row.wal_limit_gb,
        is_on=True,
    )
    return save_target(entered, secret=place.secret or None, version=row.version, actor=actor)


def target_as_it_is() -> BackupTarget:
    """The row; an unsaved one where there is none."""
    return BackupTarget.objects.first() or BackupTarget()


def target_in_use() -> BackupTarget | None:
    """The row, where backups are on."""
    return BackupTarget.objects.filter(is_on=True).first()


def keep_of(row: BackupTarget) -> Keep:
    """Which backups are kept there."""
    return Keep(row.keep_daily, row.keep_weekly)


def longest_kept() -> timedelta:
    """After which no backup holds what was deleted: of ours, and of others by the setting."""
    said = timedelta(days=settings.BACKUP_RETENTION_DAYS)
    target = target_as_it_is()
    # What was made lies there also while backups are off.
    return max(said, keep_of(target).longest) if target.is_on or target.is_begun else said


def store_of(row: BackupTarget) -> Store:
    """The way to what lies there; CipherError without the keys of this installation."""
    return Store(place_of(row), key_of(row))


def place_of(row: BackupTarget) -> Target:
    """The place, with what opens it."""
    return Target(row.kind, row.address, row.user, opened(row.secret), row.region, row.host_key)


def try_target(row: BackupTarget) -> str:
    """Write and read there; what is wrong, or nothing. No transaction here."""
    store = store_of(row)
    content = secrets.token_hex(16).encode()
    try:
        # What does not answer is told from what refuses only by a list.
        store.list("probe")
        store.write(_PROBE, content)
        if store.read(_PROBE) != content:
            return _("It gave back something else than what was written.")
        store.delete([_PROBE])
    except BackupError as error:
        return str(error)
    return ""


def make_kit(row: BackupTarget, *, actor: Actor) -> Kit:
    """The recovery kit as of now; who makes one is on record. TargetError before there is a key."""
    if not row.key:
        raise TargetError(_("Set up where backups go first: the kit says how to get them back."))
    kit = Kit(
        installation=str(row.installation),
        made_at=f"{timezone.now():%Y-%m-%d %H:%M}",
        version=settings.VERSION,
        target=place_of(row),
        key=key_of(row),
        environment=environment(),
        command=INSTALL if is_server() else REBUILD,
    )
    with transaction.atomic():
        rows = BackupTarget.objects.filter(pk=row.pk)
        rows.update(kit_at=timezone.now(), kit_print=kit_print())
        events.record("backup_kit.made", actor=actor, subject=SUBJECT)
    return kit


def needs_kit(row: BackupTarget) -> bool:
    """Whether no kit was made since what it holds changed."""
    if not row.is_on:
        return False
    is_old = row.kit_at is None or (row.changed_at is not None and row.kit_at < row.changed_at)
    return is_old or row.kit_print != kit_print()


def kit_print() -> str:
    """Of the secrets outside of the row, which change when the installation's keys do."""
    known = sorted((name, one.reveal()) for name, one in environment().items())
    return hashlib.sha256(repr(known).encode()).hexdigest()


def note_failure(error: Exception) -> None:
    """Keep since when it does not work, and why."""
    BackupTarget.objects.update(
        failing_since=Coalesce(F("failing_since"), timezone.now()), last_error=str(error)[:400]
    )


def note_success(**values: Any) -> None:
    """Keep that it works, and how far everything is."""
    BackupTarget.objects.update(failing_since=None, last_error="", **values)


def _begin_elsewhere(row: BackupTarget) -> None:
    """Another place holds nothing yet."""
    row.is_begun, row.token = False, secrets.token_hex(16)
    row.reaches = row.carried_at = row.gap_at = row.failing_since = row.oldest_at = None
    row.files_print = row.last_error = ""


def _keep_secrets(row: BackupTarget, secret: Secret | None, *, is_elsewhere: bool) -> None:
    if secret:
        row.secret = closed(secret)
    elif is_elsewhere:
        # Another place is not told the secret of the one before.
        row.secret = ""  # nosec B105
    if not row.key:
        row.key = closed_key(generate_secret(32))


def _check(
    row: BackupTarget, entered: TargetWords, secret: Secret | None, *, is_elsewhere: bool
) -> None:
    if entered.is_on:
        database()
    if entered.address or entered.is_on:
        try:
            Target(
                entered.kind, entered.address, region=entered.region, host_key=entered.host_key
            ).check()
        except BackupError as error:
            raise TargetError(str(error), field="address") from error
    is_bare = entered.kind == BackupTarget.Kind.DIRECTORY
    has_secret = bool(secret) or (bool(row.secret) and not is_elsewhere)
    if entered.is_on and not is_bare and not has_secret:
        raise TargetError(_("Enter the secret that belongs to this place."), field="secret")


def _row_for_update() -> BackupTarget:
    try:
        with transaction.atomic():
            BackupTarget.objects.get_or_create(is_only=True)
    except IntegrityError:
        pass
    return BackupTarget.objects.select_for_update().get(is_only=True)
