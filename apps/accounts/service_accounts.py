"""Writes about service accounts: programs with a role, which outlive whoever made them.

Nobody makes, changes or switches on one that may more than they do.
"""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts import constants
from apps.accounts.access import BUILT_IN, holds_all_of, may
from apps.accounts.members import checked_limits, is_given, own_role_of, role_choices
from apps.accounts.models import ServiceAccount, User
from apps.accounts.programs import Principal, Program
from apps.core.exceptions import ConflictError, DomainError
from apps.core.permissions import OWNER
from apps.events import services as events
from apps.events.actors import user_actor
from apps.events.differences import CHANGED, differences, values_of
from apps.tenancy.kinds import current_schema

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('service_accounts'), hashtext(%s))"
_TOLD = ("name", "description", "limits")


@transaction.atomic
def create_account(
    *, name: str, role: str, by: Principal, limits: Iterable[str] = (), description: str = ""
) -> ServiceAccount:
    """A service account; PermissionDenied for too much.

    ConflictError for a name that is taken, and where there are as many as there can be.
    """
    _require_keys(by)
    _require_room()
    account = ServiceAccount(name=name, description=description, created_by=_maker(by))
    _give(account, role, limits, by)
    _save(account)
    data = {"role": role, "limits": account.limits}
    events.record("service_account.created", actor=user_actor(by), subject=account, data=data)
    return account


@transaction.atomic
def change_account(account: ServiceAccount, *, by: Principal, **values: Any) -> None:
    """Change name, description, role or limits; what is left out stays."""
    current = _locked(account, by)
    before = {**values_of(current, _TOLD), "role": word_of(current)}
    for name in ("name", "description"):
        setattr(current, name, values.get(name, before[name]))
    if "role" in values or "limits" in values:
        held = [f"{one['type']}:{one['id']}" for one in current.limits]
        _give(current, values.get("role", before["role"]), values.get("limits", held), by)
    after = {**values_of(current, _TOLD), "role": word_of(current)}
    if changed := differences(before, after):
        _save(current)
        data = {CHANGED: changed}
        events.record("service_account.changed", actor=user_actor(by), subject=current, data=data)
    account.__dict__.update(current.__dict__)


@transaction.atomic
def switch_account(account: ServiceAccount, is_active: bool, *, by: Principal) -> None:
    """Let it in, or keep it out from the next request on; its keys stay as they are."""
    _locked(account, by)
    rows = ServiceAccount.objects.filter(pk=account.pk).exclude(is_active=is_active)
    if rows.update(is_active=is_active):
        what = "switched_on" if is_active else "switched_off"
        events.record(f"service_account.{what}", actor=user_actor(by), subject=account)
    account.is_active = is_active


def accounts_of(by: Principal) -> QuerySet[ServiceAccount]:
    """Those that somebody may touch: of a role that they may give, and a program's own."""
    rows = ServiceAccount.objects.select_related("own_role", "created_by")
    if by.is_superuser:
        return rows
    if not may(by, "keys.use"):
        return rows.none()
    given = [role for role, _title in role_choices(by)]
    built_in = [role for role in given if role in BUILT_IN]
    own = [role for role in given if role and role not in BUILT_IN]
    found = Q(role__in=built_in) | Q(own_role__uuid__in=own)
    if isinstance(by, Program):
        found |= Q(pk=by.account.pk)
    return rows.filter(found)


def word_of(account: ServiceAccount) -> str:
    """Its role as one word, as members.role_of says it."""
    return str(account.own_role.uuid) if account.own_role else account.role


def title_of(account: ServiceAccount) -> str:
    """Its role as people read it."""
    if account.own_role:
        return account.own_role.name
    return str(_("Owner") if account.role == OWNER else BUILT_IN.get(account.role, account.role))


def is_orphan(account: ServiceAccount) -> bool:
    """Whether who made it has left."""
    return account.created_by is None or not account.created_by.is_active


def require_all_of(account: ServiceAccount, by: Principal) -> None:
    """PermissionDenied unless somebody may make keys, and holds what the account holds."""
    _require_keys(by)
    if not holds_all_of(by, Program(account)):
        raise PermissionDenied(_("“%(name)s” may do more than you.") % {"name": account})


def _require_keys(by: Principal) -> None:
    if not may(by, "keys.use"):
        raise PermissionDenied


def _require_room() -> None:
    # One at a time, so that two together are not one too many.
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [current_schema()])
    if ServiceAccount.objects.count() >= constants.MOST_ACCOUNTS:
        text = _(
            "There are %(most)s service accounts, and there can be no more. Use one that is"
            " switched off: give it another name and role, then switch it on."
        )
        raise ConflictError(text % {"most": constants.MOST_ACCOUNTS})


def _maker(by: Principal) -> User | None:
    return by.account.created_by if isinstance(by, Program) else by


def _locked(account: ServiceAccount, by: Principal) -> ServiceAccount:
    rows = ServiceAccount.objects.select_for_update(of=("self",)).select_related("own_role")
    current = rows.get(pk=account.pk)
    require_all_of(current, by)
    return current


def _give(account: ServiceAccount, role: str, limits: Iterable[str], by: Principal) -> None:
    if not role:
        raise DomainError(_("Choose a role."), field="role")
    if not is_given(by, role):
        raise PermissionDenied(_("You cannot give a role that may do more than you."))
    is_built_in = role == OWNER or role in BUILT_IN
    account.own_role = None if is_built_in else own_role_of(role)
    account.role = role if is_built_in else ""
    account.limits = [] if role == OWNER else checked_limits(limits)


def _save(account: ServiceAccount) -> None:
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError as error:
        raise ConflictError(
            _("There is a service account “%(name)s” already. Take another name.")
            % {"name": account.name},
            field="name",
        ) from error
