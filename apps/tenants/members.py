"""Who belongs to an organisation no longer, or has another part in it: carried to its schemas."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.accounts.departures import keep_out
from apps.accounts.models import User
from apps.accounts.registry import knows_who_belongs, when_rights_shrink
from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor, user_actor
from apps.tenancy.kinds import PUBLIC, current_schema, operator, schema_of
from apps.tenants import impersonation
from apps.tenants.models import Membership, Organisation, OwnershipOffer
from apps.tenants.telling import tell_workspace


@transaction.atomic
def remove_member(organisation: Organisation, member: UUID, *, by: User) -> None:
    """Take somebody out of an organisation, and out of its schemas; only its owner can."""
    current = Organisation.objects.select_for_update().get(pk=organisation.pk)
    if current.owner != by.uuid:
        raise ConflictError(_("Only the owner can remove people."))
    if member == current.owner:
        raise ConflictError(_("The owner stays. Hand the organisation over first."))
    if not Membership.objects.filter(organisation=current, user=member).delete()[0]:
        return
    OwnershipOffer.objects.filter(organisation=current, offered_to=member).delete()
    person = User.objects.filter(uuid=member).first()
    data = {"member": person.email if person else str(member)}
    actor = user_actor(by)
    events.record("organisation.member_removed", actor=actor, subject=current, data=data)
    _shut_out(current, member, actor)


def others(organisation: Organisation) -> list[User]:
    """All members but the owner, switched off ones too."""
    rows = Membership.objects.filter(organisation=organisation).exclude(user=organisation.owner)
    uuids = list(rows.values_list("user", flat=True))
    return list(User.objects.filter(uuid__in=uuids).order_by("email"))


def members_of(organisation: Organisation) -> dict[UUID, str]:
    """Everybody who may come by hand-off, with their role, as a grant tells it."""
    rows = Membership.objects.filter(organisation=organisation)
    roles: dict[UUID, str] = dict(rows.values_list("user", "role"))
    with operator():
        active = User.objects.filter(uuid__in=list(roles), is_active=True)
        return {uuid: roles[uuid] for uuid in active.values_list("uuid", flat=True)}


@knows_who_belongs
def _is_member(identity: UUID, said_at: datetime) -> bool:
    """Whether somebody belongs, now, to the organisation whose schema this is.

    Their rows are locked, so that a removal waits until it finds whom it has to switch off.
    """
    schema = current_schema()
    is_its = Q(console__schema_name=schema) | Q(workspace__schema_name=schema)
    organisation = Organisation.objects.filter(is_its).first()
    if organisation is None:
        return True
    rows = Membership.objects.select_for_update().filter(organisation=organisation, user=identity)
    with operator():
        people = User.objects.select_for_update().filter(uuid=identity, is_active=True)
        return bool(rows.first() and people.first())


@when_rights_shrink
def _follow(user: User, actor: Actor) -> None:
    """Who is switched off at the operator is out of every organisation in the same moment."""
    if current_schema() != PUBLIC:
        return
    impersonation.end_all_of(user, actor)
    if User.objects.filter(pk=user.pk, is_active=True).exists():
        return
    theirs = Organisation.objects.filter(members__user=user.uuid).order_by("pk")
    for organisation in theirs.select_related("console", "workspace"):
        _shut_out(organisation, user.uuid, actor)


def _shut_out(organisation: Organisation, identity: UUID, actor: Actor) -> None:
    for tenant in (organisation.console, organisation.workspace):
        if tenant is not None and tenant.is_local:
            with schema_of(tenant.schema_name):
                keep_out(identity, actor=actor)
    tell_workspace(organisation)
