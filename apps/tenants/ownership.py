"""Handing an organisation over: its owner offers it, and another member accepts."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.exceptions import HandOffError
from apps.accounts.models import User
from apps.accounts.services import ensure_member, has_verified_email
from apps.core.exceptions import ConflictError, DomainError
from apps.core.permissions import ADMIN, OWNER
from apps.events import services as events
from apps.events.actors import user_actor
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Membership, Organisation, OwnershipOffer
from apps.tenants.telling import tell_workspace

LASTS = timedelta(days=7)


def candidates(organisation: Organisation) -> list[User]:
    """The other members, of whom one can become the owner."""
    uuids = organisation.members.exclude(user=organisation.owner).values_list("user", flat=True)
    found = User.objects.filter(uuid__in=list(uuids), is_active=True).order_by("email")
    return [user for user in found if has_verified_email(user)]


def offer_of(organisation: Organisation) -> OwnershipOffer | None:
    """The offer that is open, if there is one."""
    rows = OwnershipOffer.objects.filter(organisation=organisation, made_by=organisation.owner)
    return rows.filter(expires_at__gt=timezone.now()).first()


@transaction.atomic
def offer_ownership(organisation: Organisation, *, to: User, by: User) -> None:
    """Offer it to a member, in the place of any offer before; only its owner can."""
    current = _locked(organisation)
    if current.owner != by.uuid:
        raise ConflictError(_("Only the owner can hand an organisation over."))
    if to not in candidates(current):
        raise DomainError(_("Choose somebody who belongs to the organisation."), field="to")
    values = {"made_by": by.uuid, "offered_to": to.uuid, "expires_at": timezone.now() + LASTS}
    OwnershipOffer.objects.update_or_create(organisation=current, defaults=values)
    data = {"to": to.email}
    events.record(
        "organisation.ownership_offered", actor=user_actor(by), subject=current, data=data
    )


@transaction.atomic
def withdraw_offer(organisation: Organisation, *, by: User) -> None:
    """Take an offer back; nothing happens when there is none."""
    current = _locked(organisation)
    if OwnershipOffer.objects.filter(organisation=current, made_by=by.uuid).delete()[0]:
        events.record(
            "organisation.ownership_offer_withdrawn", actor=user_actor(by), subject=current
        )


@transaction.atomic
def accept_ownership(organisation: Organisation, *, by: User) -> None:
    """Become the owner; who was it goes on as admin. ConflictError when the offer is over."""
    current = _locked(organisation)
    offer = offer_of(current)
    if offer is None or offer.offered_to != by.uuid:
        raise ConflictError(_("This offer does not hold any more. Ask the owner for a new one."))
    before = User.objects.get(uuid=current.owner)
    offer.delete()
    current.owner, current.email = by.uuid, by.email
    current.save(update_fields=["owner", "email"])
    for user, role in ((by, OWNER), (before, ADMIN)):
        Membership.objects.filter(organisation=current, user=user.uuid).update(role=role)
    _take_over(current, by, before)
    tell_workspace(current)
    data = {"before": before.email, "after": by.email}
    events.record(
        "organisation.ownership_transferred", actor=user_actor(by), subject=current, data=data
    )


def _locked(organisation: Organisation) -> Organisation:
    return Organisation.objects.select_for_update().get(pk=organisation.pk)


def _take_over(organisation: Organisation, owner: User, before: User) -> None:
    """The same in the schemas that lie here, at once; a stack elsewhere learns it by a grant."""
    for tenant in (organisation.console, organisation.workspace):
        if tenant is None or not tenant.is_local:
            continue
        with schema_of(tenant.schema_name):
            for user, role in ((owner, OWNER), (before, ADMIN)):
                _bring(user, role, by=owner)


def _bring(user: User, role: str, *, by: User) -> None:
    values = {"identity": user.uuid, "email": user.email, "name": user.name}
    try:
        ensure_member(**values, role=role, actor=user_actor(by))  # type: ignore[arg-type]
    except HandOffError as error:
        if role == OWNER:
            raise ConflictError(
                _("Your account is switched off there. Ask the owner to switch it on first.")
            ) from error
