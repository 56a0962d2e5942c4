"""Who may sign in to which client, asked anew each time that a client asks about them."""

from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor
from apps.accounts.security.policy import is_due
from apps.idp.models import ClientSignIn, RelyingParty
from apps.tenants.models import Membership, Organisation


def may_enter(party: RelyingParty, user: User) -> bool:
    """Whether a client is on, and for this person."""
    if not (party.is_on and user.is_active):
        return False
    if party.who == RelyingParty.Who.MEMBERS:
        return memberships(party, user).exists()
    return party.who == RelyingParty.Who.EVERYBODY or user.is_staff


def may_stay(sign_in: ClientSignIn) -> bool:
    """Whether somebody who was let in would be let in now, as they signed in then.

    A second factor that the client, or the operator's policy, demands since counts too.
    """
    party, user = sign_in.party, sign_in.user
    if not may_enter(party, user):
        return False
    return holds_second_factor(sign_in.methods) or not (party.needs_second_factor or is_due(user))


def memberships(party: RelyingParty, user: User) -> QuerySet[Membership]:
    """The person's organisations that a client may know of: of those that it is for, if named."""
    found = Membership.objects.filter(user=user.uuid).exclude(
        organisation__status=Organisation.Status.CLOSED
    )
    if party.who == RelyingParty.Who.MEMBERS:
        found = found.filter(organisation__in=party.organisations.all())
    return found.select_related("organisation").order_by("organisation__slug")


def organisations_claim(party: RelyingParty, user: User) -> list[dict[str, Any]]:
    """Slug, name and role of each, as the `organisations` scope says them."""
    return [
        {"slug": row.organisation.slug, "name": row.organisation.name, "role": row.role}
        for row in memberships(party, user)
    ]
