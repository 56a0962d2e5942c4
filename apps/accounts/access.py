"""The one function that says who may do what; pages, API, WebSockets and actions all ask it.

Owners may do all. Everybody else of the staff has one role: a built-in one, which lives in code,
or one of the schema's own. What no role grants is denied.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ApiKey, Membership, Role, ServiceAccount, User
from apps.accounts.programs import Principal, Program, program_of
from apps.accounts.scopes import READ, is_looking, lets, only_reads
from apps.core.permissions import (
    ADMIN,
    BILLING,
    OWNER,
    SUPPORT,
    TECHNICIAN,
    VIEWER,
    Limit,
    Permission,
)
from apps.tenancy.kinds import current_schema, kind_of

Row = TypeVar("Row", bound=Model)

BUILT_IN = {
    ADMIN: _("Admin"),
    TECHNICIAN: _("Technician"),
    BILLING: _("Billing"),
    SUPPORT: _("Support"),
    VIEWER: _("Viewer"),
}
OWNER_TITLE = _("Owner")
_KEPT = "_access"
# Of what technicians and support hold, whatever is added to them: not for the operator's support.
_WITHHELD = ("people.", "roles.", "keys.", "record.", "instances.install", "instances.deploy")


@cache
def all_permissions() -> Mapping[str, Permission]:
    """Every permission that an app declares, by key."""
    return {one.key: one for one in _declared("PERMISSIONS")}


@cache
def all_limits() -> Mapping[str, Limit]:
    """Every type of resource that a membership can be limited to."""
    return {one.type: one for one in _declared("LIMITS")}


def permissions_here() -> list[Permission]:
    """The permissions that mean something in the current schema."""
    kind = kind_of(current_schema())
    return [one for one in all_permissions().values() if kind in one.kinds]


def permissions_of_role(role: str) -> frozenset[str]:
    """The keys that a built-in role holds; owners hold every one."""
    found = all_permissions().values()
    return frozenset(one.key for one in found if role == OWNER or role in one.roles)


def permissions_of_visitors() -> frozenset[str]:
    """The keys that the operator's support holds while it helps here."""
    held = permissions_of_role(TECHNICIAN) | permissions_of_role(SUPPORT)
    return frozenset(key for key in held if not key.startswith(_WITHHELD))


def may(who: object, permission: str, obj: Model | None = None) -> bool:
    """Whether a person or a key may do something, to a thing where one is given.

    `permission` is the key of one, or Django's name of a right on a model. A key may what its
    service account may, as far as its scopes go.
    """
    user = program_of(who) if isinstance(who, ApiKey) else who
    if not isinstance(user, Principal) or not (user.is_active and user.is_staff):
        return False
    if user.is_superuser:
        return True
    if permission not in held_by(user):
        return False
    return obj is None or not is_limited(user) or _is_within(user, obj)


def require(request: HttpRequest, permission: str, obj: Model | None = None) -> None:
    """PermissionDenied unless who asks may do it."""
    if not may(request.user, permission, obj):
        raise PermissionDenied


def who_may(permission: str) -> list[User]:
    """The active staff of the current schema who hold a permission."""
    found = User.objects.filter(is_active=True, is_staff=True).order_by("pk")
    return [user for user in found.select_related("membership__own_role") if may(user, permission)]


def holds_all_of(who: Principal, other: Principal) -> bool:
    """Whether somebody may all that somebody else may."""
    if who.is_superuser or other.is_superuser:
        return who.is_superuser
    return held_by(other) <= held_by(who)


def held_by(user: Principal) -> frozenset[str]:
    """All that a role grants, Django's names of rights included; kept for the request."""
    known: frozenset[str] | None = user.__dict__.get(_KEPT)
    if known is None:
        known = user.__dict__[_KEPT] = _held_anew(user)
    return known


def forget(user: User) -> None:
    """Read a person's role again, after it changed."""
    user.__dict__.pop(_KEPT, None)
    user._state.fields_cache.pop("membership", None)


def is_limited(user: object) -> bool:
    """Whether a member sees named resources only."""
    is_member = isinstance(user, Principal) and not user.is_superuser
    membership = _membership_of(user) if is_member else None  # type: ignore[arg-type]
    return bool(membership and membership.limits)


def narrow(user: object, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of the rows that somebody may see."""
    options = rows.model._meta
    if not may(user, f"{options.app_label}.view_{options.model_name}"):
        return rows.none()
    return within_limits(user, rows)


def within_limits(user: object, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of the rows that belong to what a limited member is limited to."""
    if not isinstance(user, Principal) or not is_limited(user):
        return rows
    membership = _membership_of(user)
    found = _limits_as_query(membership, rows.model) if membership else None
    return rows.filter(found) if found else rows.none()


def _declared(name: str) -> list[Any]:
    found: list[Any] = []
    for app in apps.get_app_configs():
        path = f"{app.name}.permissions"
        if app.name.startswith("apps.") and find_spec(path):
            found += getattr(import_module(path), name, ())
    return found


def _membership_of(user: Principal) -> Membership | ServiceAccount | None:
    if isinstance(user, Program):
        return user.account
    # A missing row is remembered by the relation's cache too.
    return getattr(user, "membership", None)


def _held_anew(user: Principal) -> frozenset[str]:
    if user.visit is not None:
        return _granted(permissions_of_visitors())
    scopes = user.scopes if isinstance(user, Program) else None
    return _held(_membership_of(user), scopes)


def _held(
    membership: Membership | ServiceAccount | None, scopes: Iterable[str] | None = None
) -> frozenset[str]:
    if membership is None:
        return frozenset()
    own: Role | None = membership.own_role
    keys = frozenset(own.permissions) if own else permissions_of_role(membership.role)
    everything = _granted(keys, is_limited=bool(membership.limits))
    if scopes is None:
        return everything
    let = frozenset(key for key in keys if lets(scopes, key))
    rights = _granted(let, is_limited=bool(membership.limits))
    if READ in scopes:
        rights |= frozenset(filter(is_looking, everything))
        rights |= _every_view() if membership.role == OWNER else frozenset()
    return frozenset(filter(is_looking, rights)) if only_reads(scopes) else rights


def _granted(keys: frozenset[str], *, is_limited: bool = False) -> frozenset[str]:
    """The keys that apps declare still, with the rights on rows that they grant.

    One that needs others gives nothing without them.
    """
    known = [all_permissions()[key] for key in keys if key in all_permissions()]
    wanted = [one for one in known if one.is_limitable or not is_limited]
    held = {one.key for one in wanted}
    full = [one for one in wanted if held.issuperset(one.needs)]
    return frozenset(right for one in full for right in (one.key, *one.grants))


def _every_view() -> frozenset[str]:
    """The right to look at rows of each model, which owners have without a permission."""
    models = (model._meta for model in apps.get_models())
    return frozenset(f"{options.app_label}.view_{options.model_name}" for options in models)


def _is_within(user: Principal, obj: Model) -> bool:
    rows = type(obj)._default_manager.filter(pk=obj.pk)
    return within_limits(user, rows).exists()


def _limits_as_query(membership: Membership | ServiceAccount, model: type[Model]) -> Q:
    """The rows of a model that the limits name; an empty query where they name none."""
    found = Q()
    for type_, limit in all_limits().items():
        ids = [one["id"] for one in membership.limits if one["type"] == type_]
        lookup = limit.lookups.get(model._meta.label_lower)
        if ids and lookup:
            found |= Q(**{f"{lookup}__in": ids})
    return found
