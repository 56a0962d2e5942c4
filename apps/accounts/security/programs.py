"""What programs change of the sign-in policy: they have no factors, and cannot lock themselves out.

They could lock out everybody else.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.security.methods import SECOND_FACTORS
from apps.accounts.security.models import SignInPolicy
from apps.accounts.security.people import people_with_factors
from apps.accounts.security.policy import policy_in_force, set_policy
from apps.core.exceptions import ConflictError
from apps.events.actors import Actor


@transaction.atomic
def set_policy_for_program(*, who: str, grace_days: int, actor: Actor) -> SignInPolicy:
    """Change what is demanded; ConflictError where no owner has the factor that is demanded."""
    if who != SignInPolicy.Who.NOBODY and not _can_an_owner_come():
        raise ConflictError(
            _(
                "No owner has a second factor, so all of them would be locked out. Have one set"
                " theirs up first."
            ),
            field="who",
        )
    # That of the owners, who can take it back.
    return set_policy(who=who, grace_days=grace_days, actor=actor, methods=SECOND_FACTORS)


def _can_an_owner_come() -> bool:
    owners = User.objects.filter(is_active=True, is_superuser=True)
    return any(row["has_factor"] for row in people_with_factors(policy_in_force(), owners))
