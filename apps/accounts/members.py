"""Writes about roles, about who has which, and about the sessions of others.

Nobody gives more than they hold, nor changes somebody who holds more.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q
from django.utils.translation import gettext as _

from apps.accounts.access import (
    BUILT_IN,
    OWNER_TITLE,
    all_limits,
    all_permissions,
    forget,
    held_by,
    may,
    permissions_of_role,
)
from apps.accounts.models import Membership, Role, User
from apps.accounts.programs import Principal
from apps.accounts.registry import rights_shrank
from apps.accounts.security.sessions import revoke_everywhere
from apps.accounts.services import keep_an_owner
from apps.core.exceptions import ConflictError, DomainError
from apps.core.permissions import OWNER
from apps.events import services as events
from apps.events.actors import user_actor
from apps.events.differences import CHANGED, differences, values_of
from apps.tenancy.kinds import current_schema, kind_of

Limits = list[dict[str, str]]
NO_ROLE = ""
_TOLD = ("name", "permissions")


def role_of(user: User) -> str:
    """The role as one word: `owner`, a built-in one, the uuid of an own one, or nothing."""
    if user.is_superuser:
        return OWNER
    membership: Membership | None = getattr(user, "membership", None)
    if membership is None:
        return NO_ROLE
    return str(membership.own_role.uuid) if membership.own_role else membership.role


def role_title(user: User) -> str:
    """The role as people read it."""
    if user.is_superuser:
        return str(OWNER_TITLE)
    membership: Membership | None = getattr(user, "membership", None)
    if membership is None:
        return ""
    own = membership.own_role
    return own.name if own else str(BUILT_IN.get(membership.role, membership.role))


def titles_of_roles() -> dict[str, str]:
    """What people call each role here, by the word for it."""
    own = {str(role.uuid): role.name for role in Role.objects.all()}
    return {OWNER: str(OWNER_TITLE), **{key: str(t) for key, t in BUILT_IN.items()}, **own}


def role_choices(by: Principal) -> list[tuple[str, str]]:
    """The roles that somebody may give here."""
    return [(role, title) for role, title in titles_of_roles().items() if is_given(by, role)]


@transaction.atomic
def set_role(user: User, role: str, *, by: Principal, limits: Iterable[str] = ()) -> None:
    """Give somebody a role, or none; limits are `type:id`.

    PermissionDenied for more than one holds; ConflictError where no owner would be left.
    """
    current = _locked(user)
    named = checked_limits(limits, held=limits_in_text(current))
    if role == role_of(current) and named == limits_of(current):
        return
    require_above(by, current)
    if not is_given(by, role):
        raise PermissionDenied(_("You cannot give a role that may do more than you."))
    if current.is_superuser or role == OWNER:
        _check_ownership(current)
    before = role_of(current)
    _write(current, role, named)
    events.record(
        "user.role_changed",
        actor=user_actor(by),
        subject=current,
        data={"before": before, "after": role, "limits": named},
    )
    for name in ("is_staff", "is_superuser"):
        setattr(user, name, getattr(current, name))
    forget(user)
    rights_shrank(current, user_actor(by))


def limits_of(user: User) -> Limits:
    """The resources that somebody is limited to; none is all."""
    membership: Membership | None = getattr(user, "membership", None)
    return list(membership.limits) if membership and not user.is_superuser else []


def limits_in_text(user: User) -> list[str]:
    """The same as `type:id`, as they are given."""
    return [f"{one['type']}:{one['id']}" for one in limits_of(user)]


def require_above(by: Principal, user: User) -> None:
    """PermissionDenied unless one manages people and holds all that the other holds."""
    is_above = by.is_superuser or not (user.is_superuser or held_by(user) - held_by(by))
    if not (may(by, "people.manage") and is_above):
        raise PermissionDenied(_("%(name)s may do more than you.") % {"name": user})


@transaction.atomic
def end_sessions(user: User, *, by: Principal) -> int:
    """End all sessions of somebody at once, also where they came from here by hand-off.

    Returns how many ended here. What they hold stays, so they can sign in again.
    """
    require_above(by, user)
    ended = revoke_everywhere(user, keep=None, actor=user_actor(by))
    events.record(
        "user.sessions_ended", actor=user_actor(by), subject=user, data={"sessions": ended}
    )
    return ended


@transaction.atomic
def create_role(*, name: str, permissions: Iterable[str], by: Principal) -> Role:
    """A role of one's own; ConflictError for a name that is taken."""
    role = Role(name=name, permissions=_complete(_checked(permissions, by)))
    _save(role)
    data = {"permissions": role.permissions}
    events.record("role.created", actor=user_actor(by), subject=role, data=data)
    return role


@transaction.atomic
def change_role(role: Role, *, name: str, permissions: Iterable[str], by: Principal) -> None:
    """Change what a role is called and may do, for all who have it."""
    current = Role.objects.select_for_update().get(pk=role.pk)
    _checked(current.permissions, by)
    before = values_of(current, _TOLD)
    current.name, current.permissions = name, _complete(_checked(permissions, by))
    _save(current)
    data = {CHANGED: differences(before, values_of(current, _TOLD))}
    events.record("role.changed", actor=user_actor(by), subject=current, data=data)
    for user in User.objects.filter(membership__own_role=current):
        rights_shrank(user, user_actor(by))


@transaction.atomic
def delete_role(role: Role, *, by: Principal) -> None:
    """Remove a role that nobody has; ConflictError while somebody does."""
    _checked(Role.objects.select_for_update().get(pk=role.pk).permissions, by)
    events.record("role.deleted", actor=user_actor(by), subject=role)
    try:
        role.delete()
    except ProtectedError as error:
        raise ConflictError(
            _("Somebody still has the role %(role)s. Give them another one first.") % {"role": role}
        ) from error


def _locked(user: User) -> User:
    """The person's row, locked with those of all owners, in one order for everybody."""
    rows = User.objects.select_for_update().filter(Q(pk=user.pk) | Q(is_superuser=True))
    return next(row for row in rows.order_by("pk") if row.pk == user.pk)


def is_given(by: Principal, role: str) -> bool:
    """Whether somebody holds all that a role grants, so that they may give it."""
    if by.is_superuser or role == NO_ROLE:
        return True
    if role == OWNER:
        return False
    return _grants_of(role) <= held_by(by)


def _grants_of(role: str) -> frozenset[str]:
    if role in BUILT_IN:
        return permissions_of_role(role)
    # What no app declares any more grants nothing, so it keeps nobody from giving the role.
    return frozenset(own_role_of(role).permissions) & all_permissions().keys()


def may_change_role(by: Principal, role: Role) -> bool:
    """Whether somebody makes roles, and holds all that this one grants."""
    keys = frozenset(role.permissions) & all_permissions().keys()
    return may(by, "roles.manage") and all(may(by, key) for key in keys)


def own_role_of(role: str) -> Role:
    """A role of the schema's own by its id; DomainError where there is none."""
    try:
        return Role.objects.get(uuid=UUID(role))
    except (ValueError, Role.DoesNotExist):
        raise DomainError(_("There is no such role."), field="role") from None


def _check_ownership(user: User) -> None:
    """Who owns an organisation on the platform comes back as owner with every hand-off."""
    if user.identity is not None:
        raise ConflictError(
            _(
                "%(user)s comes here from DotMac, which says who is an owner. Their role "
                "cannot be changed from here to owner or from it."
            )
            % {"user": user}
        )
    if user.is_superuser:
        keep_an_owner(user)


def _write(user: User, role: str, limits: Limits) -> None:
    user.is_superuser, user.is_staff = role == OWNER, role != NO_ROLE
    user.save(update_fields=["is_superuser", "is_staff"])
    if role in (OWNER, NO_ROLE):
        Membership.objects.filter(user=user).delete()
    else:
        own = None if role in BUILT_IN else own_role_of(role)
        values: dict[str, Any] = {"role": "" if own else role, "own_role": own, "limits": limits}
        Membership.objects.update_or_create(user=user, defaults=values)
    forget(user)


def checked_limits(limits: Iterable[str], held: Iterable[str] = ()) -> Limits:
    """Limits as they are kept, from `type:id`; DomainError for what is not here.

    What somebody is limited to already stays, though it is gone: without it the role would hold
    for everything.
    """
    known, found = {*offered_limits(), *held}, []
    for limit in sorted(set(limits)):
        if limit not in known:
            raise DomainError(
                _("There is no such resource: %(limit)s.") % {"limit": limit}, field="limits"
            )
        type_, _colon, id_ = limit.partition(":")
        found.append({"type": type_, "id": id_})
    return found


def offered_limits() -> dict[str, str]:
    """What a role can be limited to in the current schema: `type:id` and how people call it."""
    kind = kind_of(current_schema())
    return {
        f"{limit.type}:{id_}": f"{limit.title}: {name}"
        for limit in all_limits().values()
        if limit.kind == kind
        for id_, name in limit.choices()
    }


def _checked(permissions: Iterable[str], by: Principal) -> list[str]:
    """The permissions that exist, in order; PermissionDenied for one that `by` does not hold."""
    keys = sorted(set(permissions) & all_permissions().keys())
    if not (may(by, "roles.manage") and all(may(by, key) for key in keys)):
        raise PermissionDenied(_("You cannot give a role that may do more than you."))
    return keys


def _complete(keys: list[str]) -> list[str]:
    """The same; DomainError for one that gives nothing, since another that it needs is missing."""
    known = all_permissions()
    for key in keys:
        for needed in set(known[key].needs).difference(keys):
            raise DomainError(
                _("“%(key)s” needs “%(needed)s” too.")
                % {"key": known[key].title, "needed": known[needed].title},
                field="permissions",
            )
    return keys


def _save(role: Role) -> None:
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError as error:
        raise ConflictError(
            _("There is a role %(name)s already. Take another name.") % {"name": role.name},
            field="name",
        ) from error
