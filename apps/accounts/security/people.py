"""Who has which second factor: for those who manage people, and as CSV."""

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor
from apps.accounts.security.models import SignInPolicy
from apps.accounts.security.pages import comes_by_hand_off, method_names
from apps.accounts.security.policy import deadline_of
from apps.core.csvs import guarded
from apps.events.models import Event

_COLUMNS = ["email", "name", "staff", "factors", "last_sign_in", "signed_in_with", "deadline"]


def people_with_factors(
    policy: SignInPolicy, some: QuerySet[User] | None = None
) -> Iterator[dict[str, Any]]:
    """Active people, staff first, each with factors, last sign-in and what the policy wants.

    `some` are those to tell of, where that is few of them.
    """
    people = User.objects.filter(is_active=True) if some is None else some
    held = Authenticator.objects.order_by("pk")
    if some is not None:
        held = held.filter(user__in=some)
    factors: dict[int, list[str]] = {}
    for user_id, type in held.values_list("user_id", "type"):
        factors.setdefault(user_id, []).append(type)
    latest = _last_sign_ins(some)
    for user in people.order_by("-is_staff", "email"):
        methods = latest.get(str(user.uuid), {}).get("methods") or []
        deadline = deadline_of(policy, is_staff=user.is_staff, joined_at=user.date_joined)
        has = _has_factor(user, factors.get(user.pk, []), methods)
        yield {
            "user": user,
            "factors": factor_names(factors.get(user.pk, [])),
            "is_elsewhere": comes_by_hand_off(user),
            "has_factor": has,
            "with": method_names(methods),
            "deadline": None if has else deadline,
            "is_late": not has and deadline is not None and deadline <= timezone.now(),
        }


def factor_names(types: list[str]) -> list[str]:
    """As “passkey”, each kind once; recovery codes belong to another factor."""
    names = {
        Authenticator.Type.TOTP: _("authenticator app"),
        Authenticator.Type.WEBAUTHN: _("passkey"),
    }
    return [str(name) for type, name in names.items() if type in types]


def write_people(output: TextIO, policy: SignInPolicy) -> None:
    """The same as CSV; times in ISO 8601."""
    writer = csv.writer(output)
    writer.writerow(_COLUMNS)
    for row in people_with_factors(policy):
        user = row["user"]
        cells = [
            user.email,
            user.name,
            "yes" if user.is_staff else "no",
            ", ".join(row["factors"]) or ("at DotMac" if row["is_elsewhere"] else "none"),
            user.last_login.isoformat() if user.last_login else "",
            row["with"],
            row["deadline"].isoformat() if row["deadline"] else "",
        ]
        writer.writerow([guarded(cell) for cell in cells])


def _has_factor(user: User, types: list[str], methods: list[str]) -> bool:
    """One set up here; of who comes by hand-off, one used at the last entrance."""
    if comes_by_hand_off(user):
        return holds_second_factor(methods)
    return Authenticator.Type.TOTP in types or Authenticator.Type.WEBAUTHN in types


def _last_sign_ins(some: QuerySet[User] | None) -> dict[str, dict[str, Any]]:
    """The data of the last sign-in of each person, by their uuid, in one query."""
    found = Event.objects.filter(type="user.signed_in", subject_type="user")
    if some is not None:
        ids = [str(uuid) for uuid in some.values_list("uuid", flat=True)]
        found = found.filter(subject_id__in=ids)
    latest = found.order_by("subject_id", "-id").distinct("subject_id")
    return dict(latest.values_list("subject_id", "data"))
