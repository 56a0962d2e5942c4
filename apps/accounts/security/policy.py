"""Whom a schema lets in only with a second factor, and from when on."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.exceptions import HandOffError
from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor
from apps.accounts.security.models import SignInPolicy
from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.events.differences import CHANGED, differences, values_of

LONGEST_GRACE = 90
_ONLY_ROW = 1
_STRICTNESS = [SignInPolicy.Who.NOBODY, SignInPolicy.Who.STAFF, SignInPolicy.Who.EVERYBODY]


def policy_in_force() -> SignInPolicy:
    """The policy of the current schema; an unsaved one that demands nothing when none is set."""
    return SignInPolicy.objects.filter(pk=_ONLY_ROW).first() or SignInPolicy(pk=_ONLY_ROW)


def deadline_of(
    policy: SignInPolicy, *, is_staff: bool, joined_at: datetime | None
) -> datetime | None:
    """From when on somebody needs a second factor here; None for never."""
    is_meant = policy.who == policy.Who.EVERYBODY or (policy.who == policy.Who.STAFF and is_staff)
    if not is_meant:
        return None
    return max(policy.since, joined_at or timezone.now()) + timedelta(days=policy.grace_days)


def is_due(user: User) -> bool:
    """Whether this person may do nothing more here without a second factor."""
    deadline = deadline_of(policy_in_force(), is_staff=user.is_staff, joined_at=user.date_joined)
    return deadline is not None and deadline <= timezone.now()


def check_hand_off(identity: UUID, methods: Iterable[str]) -> None:
    """HandOffError for somebody whom the policy keeps out, as they signed in at the platform.

    Who comes by hand-off becomes staff. A platform of before does not say how somebody signed
    in; then nothing is proven, and a policy that demands a factor refuses.
    """
    if holds_second_factor(methods):
        return
    joined_at = User.objects.filter(identity=identity).values_list("date_joined", flat=True).first()
    deadline = deadline_of(policy_in_force(), is_staff=True, joined_at=joined_at)
    if deadline is not None and deadline <= timezone.now():
        raise HandOffError("factor")


@transaction.atomic
def set_policy(*, who: str, grace_days: int, actor: Actor, methods: Iterable[str]) -> SignInPolicy:
    """Change what is demanded; the grace begins anew when more people are meant than before.

    ConflictError for somebody who demands a factor and came without: they would lock themselves
    out, perhaps as the last who could change it back. `methods` is how they signed in.
    """
    if who != SignInPolicy.Who.NOBODY and not holds_second_factor(methods):
        raise ConflictError(
            _(
                "You signed in without a second factor, so you would lock yourself out. "
                "Set one up, sign in with it, then demand it of others."
            ),
            field="who",
        )
    SignInPolicy.objects.get_or_create(pk=_ONLY_ROW)
    policy = SignInPolicy.objects.select_for_update().get(pk=_ONLY_ROW)
    if _STRICTNESS.index(SignInPolicy.Who(who)) > _STRICTNESS.index(SignInPolicy.Who(policy.who)):
        policy.since = timezone.now()
    said = {"who": str(who), "grace_days": grace_days}
    before = values_of(policy, said)
    policy.who, policy.grace_days = who, grace_days
    policy.save()
    events.record(
        "sign_in_policy.changed",
        actor=actor,
        subject=Subject("signinpolicy", str(_ONLY_ROW), "Sign-in policy"),
        data={**said, CHANGED: differences(before, said)},
    )
    return policy
