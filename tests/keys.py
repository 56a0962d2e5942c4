"""Keys for the tests' programs."""

from apps.accounts.api_keys import issue_key
from apps.accounts.models import ApiKey, Membership, Role, ServiceAccount, User
from apps.core.permissions import OWNER
from apps.events.actors import SYSTEM
from dotmac.crypto.secret import Secret


def account_like(user: User) -> ServiceAccount:
    """A service account that may what a person may, in the person's schema."""
    found = ServiceAccount.objects.filter(created_by=user).first()
    if found:
        return found
    values = {"name": f"Programs of {user.email}", "created_by": user}
    if user.is_superuser:
        return ServiceAccount.objects.create(role=OWNER, **values)
    membership = Membership.objects.filter(user=user).first()
    if membership is None:
        nothing, _made = Role.objects.get_or_create(name="Nothing")
        return ServiceAccount.objects.create(own_role=nothing, **values)
    return ServiceAccount.objects.create(
        role=membership.role, own_role=membership.own_role, limits=membership.limits, **values
    )


def key_like(user: User, name: str = "robot", **options: object) -> tuple[ApiKey, Secret]:
    """A key of such an account, and its text."""
    return issue_key(account_like(user), name=name, actor=SYSTEM, maker=user, **options)  # type: ignore[arg-type]
