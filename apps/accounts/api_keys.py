"""Writes about the keys of service accounts: made, shown once, replaced, revoked."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.accounts import constants
from apps.accounts.access import all_permissions, holds_all_of, may
from apps.accounts.models import ApiKey, ServiceAccount, User
from apps.accounts.programs import Principal, Program, program_of
from apps.accounts.scopes import FULL, is_known
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import Actor, user_actor
from apps.work import services as work
from apps.work.registry import travels
from apps.work.words import words
from dotmac.crypto.secret import Secret

# Scanners for secrets find a key by `dm_[0-9a-f]{12}_[A-Za-z0-9_-]{43}`.
KEY_MARK = "dm"
KIND = "api_key.expiry"
travels(KIND)
# Days before the end on which owners are told.
NOTICES = (14, 3)
LONGEST_DAYS = 3650
LONGEST_OVERLAP_H = 24 * 30


@transaction.atomic
def create_key(
    account: ServiceAccount,
    *,
    name: str,
    by: Principal,
    scopes: Iterable[str] = (FULL,),
    days: int | None = 90,
) -> tuple[ApiKey, Secret]:
    """A key and its text, which is not kept; without `days` it never expires.

    PermissionDenied where it could do more than whoever makes it; ConflictError where its account
    has as many as it can have.
    """
    return _made(account, name=name, by=by, scopes=scopes, days=days, most=constants.MOST_KEYS)


def _made(
    account: ServiceAccount,
    *,
    name: str,
    by: Principal,
    scopes: Iterable[str],
    days: int | None,
    most: int,
) -> tuple[ApiKey, Secret]:
    wanted = checked_scopes(scopes)
    if not (may(by, "keys.use") and holds_all_of(by, Program(account, tuple(wanted)))):
        raise PermissionDenied(_("You cannot make a key that may do more than you."))
    _require_room(account, most)
    maker = by.account.created_by if isinstance(by, Program) else by
    return issue_key(
        account, name=name, scopes=wanted, days=days, maker=maker, actor=user_actor(by)
    )


@transaction.atomic
def issue_key(
    account: ServiceAccount,
    *,
    name: str,
    actor: Actor,
    scopes: list[str] | None = None,
    days: int | None = None,
    maker: User | None = None,
) -> tuple[ApiKey, Secret]:
    """A key without asking who may make it, for what the platform itself does."""
    secret = secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        account=account,
        name=name,
        scopes=[FULL] if scopes is None else scopes,
        prefix=secrets.token_hex(6),
        digest=key_digest(secret),
        created_by=maker,
        expires_at=timezone.now() + timedelta(days=days) if days else None,
    )
    data = {
        "prefix": key.prefix,
        "account": account.name,
        "scopes": key.scopes,
        "expires_at": key.expires_at,
    }
    events.record("api_key.created", actor=actor, subject=key, data=data)
    if key.expires_at:
        remind(key)
    return key, Secret(f"{KEY_MARK}_{key.prefix}_{secret}")


@transaction.atomic
def rotate_key(
    key: ApiKey, *, by: Principal, overlap_h: int = 24, days: int | None = 90
) -> tuple[ApiKey, Secret]:
    """A key that takes another's place; the old one ends after the overlap, or now without one.

    ConflictError for one that is over, or has been replaced already.
    """
    current = ApiKey.objects.select_for_update().get(pk=key.pk)
    if not current.is_usable or current.replaced_by_id:
        raise ConflictError(_("This key is over, or has been replaced. Make a new one."))
    made, text = _made(
        current.account,
        name=current.name,
        by=by,
        scopes=current.scopes,
        days=days,
        most=constants.MOST_KEYS_ROTATING,
    )
    end = timezone.now() + timedelta(hours=overlap_h)
    if current.expires_at is None or end < current.expires_at:
        current.expires_at = end
    current.replaced_by = made
    current.save(update_fields=["expires_at", "replaced_by"])
    data = {"prefix": current.prefix, "by": made.prefix, "until": current.expires_at}
    events.record("api_key.replaced", actor=user_actor(by), subject=current, data=data)
    return made, text


def _require_room(account: ServiceAccount, most: int) -> None:
    # Under its lock, so that two together are not one too many.
    ServiceAccount.objects.select_for_update().get(pk=account.pk)
    alive = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    if ApiKey.objects.filter(alive, account=account, revoked_at=None).count() >= most:
        text = _("“%(name)s” has %(most)s valid keys, and can have no more. Revoke one first.")
        raise ConflictError(text % {"name": account.name, "most": most})


@transaction.atomic
def revoke_key(key: ApiKey, *, by: Principal) -> None:
    """End a key at once; PermissionDenied for one that may more, nothing for a revoked one."""
    if not (may(by, "keys.use") and holds_all_of(by, program_of(key))):
        raise PermissionDenied(_("This key may do more than you."))
    end_key(key, actor=user_actor(by))


@transaction.atomic
def end_key(key: ApiKey, *, actor: Actor) -> None:
    """End a key at once; nothing happens if it is revoked."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        events.record("api_key.revoked", actor=actor, subject=key, data={"prefix": key.prefix})


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    """Scopes in order, each once; DomainError names one that means nothing."""
    found = sorted(set(scopes))
    for scope in found:
        if not is_known(scope, all_permissions()):
            text = _("“%(scope)s” is no scope.") % {"scope": scope}
            raise DomainError(text, field="scopes")
    if not found:
        raise DomainError(_("Choose what the key may do."), field="scopes")
    return [FULL] if FULL in found else found


def key_digest(secret: str) -> str:
    """What is kept of a key's secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def remind(key: ApiKey) -> None:
    """Have the notices of a key's end at their times; those whose time is over are left out."""
    for at in notice_times(key):
        title = words(gettext_noop("Notice of an API key: {prefix}"), prefix=key.prefix)
        work.enqueue(KIND, f"{key.uuid}:{at:%Y%m%d}", title=title, due_at=at)


def notice_times(key: ApiKey) -> list[datetime]:
    """When owners are told that it ends."""
    if key.expires_at is None:
        return []
    times = (key.expires_at - timedelta(days=days) for days in NOTICES)
    return [at for at in times if at > timezone.now()]
