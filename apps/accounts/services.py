"""Writes about people and the keys of programs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.access import BUILT_IN, forget
from apps.accounts.exceptions import HandOffError
from apps.accounts.hand_off import Entrance
from apps.accounts.models import Membership, UsedHandOff, User
from apps.accounts.registry import belongs_here, rights_shrank
from apps.accounts.security.sessions import revoke_others
from apps.core.exceptions import ConflictError
from apps.core.permissions import OWNER
from apps.events import services as events
from apps.events.actors import Actor, user_actor
from apps.events.differences import CHANGED, differences
from dotmac.crypto.contracts import HAND_OFF_LIFETIME

# What the platform says of somebody who comes by hand-off.
_SAID = ("identity", "name", "email", "is_staff", "is_superuser", "password", "vouched_at")


@transaction.atomic
def create_user(
    *,
    email: str,
    actor: Actor,
    password: str | None = None,
    is_verified: bool = False,
    **fields: Any,
) -> User:
    """A person of the current schema; ConflictError when the address is taken.

    Without a password they come in by hand-off, or choose one through "Forgot your password?".
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, **fields)
    except IntegrityError as error:
        raise ConflictError(
            _("%(email)s has an account here already. Change that one instead.") % {"email": email},
            field="email",
        ) from error
    EmailAddress.objects.create(user=user, email=user.email, verified=is_verified, primary=True)
    events.record("user.created", actor=actor, subject=user)
    return user


@transaction.atomic
def rename_user(user: User, name: str, *, actor: Actor) -> None:
    """Call a person something else."""
    change_detail(user, "name", name, actor=actor)


@transaction.atomic
def change_detail(user: User, name: str, value: str, *, actor: Actor) -> None:
    """Change what somebody is called, their language or time zone, where it is another."""
    before = User.objects.select_for_update().values(name).get(pk=user.pk)
    if changed := differences(before, {name: value}):
        User.objects.filter(pk=user.pk).update(**{name: value})
        events.record("user.changed", actor=actor, subject=user, data={CHANGED: changed})


@transaction.atomic
def deactivate_user(user: User, *, actor: Actor) -> None:
    """Keep a person out from the next request on; ConflictError for the last who may do all.

    Sessions end for good: they do not come back with the person; at the operator they are out of
    every organisation too. Service accounts that they made go on, since they are the schema's own;
    owners are told which these are.
    """
    keep_an_owner(user)
    # Switched off here as well, so that the platform's word does not let them in again.
    User.objects.filter(pk=user.pk).update(off_by_platform_at=None)
    if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        return
    events.record("user.deactivated", actor=actor, subject=user)
    revoke_others(user, keep=None, actor=actor)
    rights_shrank(user, actor)


@transaction.atomic
def reactivate_user(user: User, *, actor: Actor) -> None:
    """Let a person in again; ConflictError where the platform keeps them out."""
    if User.objects.filter(pk=user.pk, off_by_platform_at__isnull=False).exists():
        raise ConflictError(
            _(
                "%(user)s does not belong to the organisation at DotMac any more, or is switched"
                " off there. Invite them again, or ask DotMac."
            )
            % {"user": user}
        )
    if User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        events.record("user.reactivated", actor=actor, subject=user)


@transaction.atomic
def replace_password(user: User, password: str) -> None:
    """Set another password for a person whose sign-up goes on."""
    user.set_password(password)
    user.save(update_fields=["password"])


@transaction.atomic
def withdraw_sign_up(user: User) -> None:
    """Remove a person who never confirmed the address, when they sign up with another."""
    if not has_verified_email(user):
        events.record("user.withdrawn", actor=user_actor(user), subject=user)
        user.delete()


def has_verified_email(user: User) -> bool:
    """Whether the person proved that the e-mail address is theirs."""
    addresses = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True)
    return bool(addresses.exists())


@transaction.atomic
def ensure_member(
    *,
    identity: UUID,
    email: str,
    name: str,
    role: str,
    actor: Actor,
    said_at: datetime | None = None,
) -> User:
    """The row of an operator-level user in the current schema, made or brought up to date.

    HandOffError when it is switched off, or when the address belongs to another identity.
    `said_at` is when the platform said so, now by default: an older word lets nobody in again.
    """
    said_at = said_at or timezone.now()
    found = _find_member(identity, email)
    is_first = found is None or found.identity is None
    user = found or _create_member(identity, email, name, actor)
    if not user.is_active:
        _let_in_again(user, actor, said_at)
    user.identity = identity
    user.vouched_at = max(said_at, user.vouched_at or said_at)
    user.name = name or user.name
    if not User.objects.exclude(pk=user.pk).filter(email=email.lower()).exists():
        user.email = email.lower()
    was_owner = user.is_superuser
    # Somebody made them owner here before: the last one stays that.
    user.is_superuser = role == OWNER or (user.is_superuser and is_last_owner(user))
    user.is_staff = True
    user.save(update_fields=_SAID)
    # Whether they keep a role is decided here from then on.
    begins = is_first or (was_owner and not user.is_superuser)
    if begins and role in BUILT_IN and getattr(user, "membership", None) is None:
        Membership.objects.create(user=user, role=role)
        events.record(
            "user.role_changed", actor=actor, subject=user, data={"before": "", "after": role}
        )
        forget(user)
    return user


@transaction.atomic
def enter(entrance: Entrance, *, ip: str = "") -> User:
    """Spend a hand-off and return who it signs in.

    HandOffError when it was spent before, or who comes has left the organisation since it was
    signed: also where they have never been here, so that nothing here could be switched off. Their
    row stays locked: who ends their sessions meanwhile waits for this one (departures.sign_out).
    """
    spend(entrance.jti, entrance.expires_at)
    message, said_at = entrance.hand_off, entrance.expires_at - HAND_OFF_LIFETIME
    if not belongs_here(UUID(message.user_id), said_at):
        raise HandOffError("left")
    _refuse_who_was_signed_out(UUID(message.user_id), said_at)
    user = ensure_member(
        identity=UUID(message.user_id),
        email=message.email,
        name=message.name,
        role=message.role,
        actor=Actor("user", message.user_id, message.email),
        said_at=said_at,
    )
    data = {"by": "hand-off", "methods": message.amr, "ip": ip}
    events.record("user.signed_in", actor=user_actor(user), subject=user, data=data)
    return user


@transaction.atomic
def spend(jti: str, expires_at: datetime) -> None:
    """Note that a signed link was used; HandOffError when it was before."""
    UsedHandOff.objects.filter(expires_at__lt=timezone.now()).delete()
    try:
        with transaction.atomic():
            UsedHandOff.objects.create(jti=jti, expires_at=expires_at)
    except IntegrityError as error:
        raise HandOffError("used") from error


def is_spent(jti: str) -> bool:
    """Whether a signed link let somebody in already."""
    return UsedHandOff.objects.filter(jti=jti).exists()


def keep_an_owner(user: User) -> None:
    """ConflictError if nobody who may do everything would be left without this person."""
    if is_last_owner(user):
        raise ConflictError(
            _(
                "%(user)s is the only active person here who may do everything. Give "
                "that right to somebody else first."
            )
            % {"user": user}
        )


def is_last_owner(user: User) -> bool:
    """Whether nobody else who is active may do everything; locks those who may."""
    owners = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    return {owner.pk for owner in owners.order_by("pk")} == {user.pk}


def _refuse_who_was_signed_out(identity: UUID, said_at: datetime) -> None:
    user = User.objects.select_for_update().filter(identity=identity).first()
    # Tokens know whole seconds: one of the same second may be of before.
    if user is not None and user.signed_out_at and user.signed_out_at >= said_at:
        raise HandOffError("ended")


def _find_member(identity: UUID, email: str) -> User | None:
    known = User.objects.select_for_update().filter(identity=identity).first()
    return known or _adopt(email)


def _adopt(email: str) -> User | None:
    """A row of that address which came to be without the platform.

    Whoever made it may know its password and would become staff with it, so unless the address
    was confirmed here the password goes.
    """
    user = User.objects.select_for_update().filter(email=email.lower()).first()
    if user is None:
        return None
    if user.identity is not None:
        raise HandOffError("taken")
    if not has_verified_email(user):
        user.set_unusable_password()
    return user


def _let_in_again(user: User, actor: Actor, said_at: datetime) -> None:
    """Whom the platform sends it also lets in; not whom somebody here switched off."""
    rows = User.objects.filter(pk=user.pk, is_active=False, off_by_platform_at__lt=said_at)
    if not rows.update(is_active=True, off_by_platform_at=None):
        raise HandOffError("off")
    user.is_active, user.off_by_platform_at = True, None
    events.record("user.reactivated", actor=actor, subject=user)


def _create_member(identity: UUID, email: str, name: str, actor: Actor) -> User:
    try:
        with transaction.atomic():
            return create_user(
                email=email, name=name, actor=actor, is_verified=True, identity=identity
            )
    except ConflictError:
        # Two tabs entered at once: the other one made the row.
        user = User.objects.filter(identity=identity).first()
        if user is None:
            raise HandOffError("taken") from None
        return user
