"""Who belongs to an organisation no longer, or has another part in it: carried to its schemas."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.departures import keep_out, sign_out
from apps.accounts.exceptions import HandOffError
from apps.accounts.models import User
from apps.accounts.registry import knows_who_belongs, when_rights_shrink, when_signed_out
from apps.core.exceptions import ConflictError
from apps.events import services as events
from apps.events.actors import Actor, user_actor
from apps.tenancy.kinds import PUBLIC, current_schema, operator, schema_of
from apps.tenants import impersonation
from apps.tenants.models import Membership, Organisation, OwnershipOffer
from apps.tenants.telling import tell_workspace

# Longer than any session lasts without signing in (allauth: three weeks).
_LONGEST_SESSION = timedelta(days=30)


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


def signed_out_of(organisation: Organisation) -> dict[UUID, datetime]:
    """Whose sessions were ended so lately that one of before might still be open, and when."""
    lately = timezone.now() - _LONGEST_SESSION
    rows = Membership.objects.filter(organisation=organisation, signed_out_at__gt=lately)
    return {row.user: row.signed_out_at for row in rows if row.signed_out_at}


@knows_who_belongs
def _is_member(identity: UUID, said_at: datetime) -> bool:
    """Whether somebody belongs, now, to the organisation whose schema this is.

    Their rows are locked, so that a removal waits until it finds whom it has to switch off.
    """
    schema = current_schema()
    its_own = Q(console__schema_name=schema) | Q(workspace__schema_name=schema)
    organisation = Organisation.objects.filter(its_own).first()
    if organisation is None:
        return True
    rows = Membership.objects.select_for_update().filter(organisation=organisation, user=identity)
    member = rows.first()
    with operator():
        people = User.objects.select_for_update().filter(uuid=identity, is_active=True)
        if member is None or people.first() is None:
            return False
    if member.signed_out_at and member.signed_out_at >= said_at:
        raise HandOffError("ended")
    return True


@when_rights_shrink
def _follow(user: User, actor: Actor) -> None:
    """Who is switched off at the operator is out of every organisation in the same moment."""
    if current_schema() != PUBLIC:
        return
    impersonation.end_all_of(user, actor)
    if User.objects.filter(pk=user.pk, is_active=True).exists():
        return
    for organisation in _organisations_of(user):
        _shut_out(organisation, user.uuid, actor)


@when_signed_out
def _sign_out(user: User, actor: Actor) -> None:
    """Whose sessions are ended at the operator is signed out of every organisation as well.

    Locked in the order of a hand-off that comes in (`_is_member`), which waits or is waited for.
    """
    if current_schema() != PUBLIC:
        return
    impersonation.end_visits_of(user, actor)
    rows = Membership.objects.filter(user=user.uuid).order_by("pk")
    list(rows.select_for_update())
    User.objects.select_for_update().get(pk=user.pk)
    now = timezone.now()
    rows.update(signed_out_at=now)
    for organisation in _organisations_of(user):
        for schema in _local_schemas(organisation):
            with schema_of(schema):
                sign_out(user.uuid, as_of=now, actor=actor)
        tell_workspace(organisation)


def _organisations_of(user: User) -> QuerySet[Organisation]:
    theirs = Organisation.objects.filter(members__user=user.uuid).order_by("pk")
    return theirs.select_related("console", "workspace")


def _local_schemas(organisation: Organisation) -> list[str]:
    both = (organisation.console, organisation.workspace)
    return [tenant.schema_name for tenant in both if tenant is not None and tenant.is_local]


def _shut_out(organisation: Organisation, identity: UUID, actor: Actor) -> None:
    for schema in _local_schemas(organisation):
        with schema_of(schema):
            keep_out(identity, actor=actor)
    tell_workspace(organisation)
