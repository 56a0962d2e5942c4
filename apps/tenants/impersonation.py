"""Support visits: somebody of the operator enters an organisation, with a reason and for a time."""

from datetime import timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.accounts.access import forget, may
from apps.accounts.models import User
from apps.accounts.visits import services as visits
from apps.accounts.visits.models import LONGEST_REASON
from apps.accounts.visits.registry import Knowledge, knows_visits
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor, Subject, user_actor
from apps.tenancy.kinds import operator, schema_of
from apps.tenants.models import Impersonation, Organisation
from apps.tenants.services import role_of
from apps.tenants.telling import tell_workspace
from apps.work import services as work
from apps.work.words import words

KIND = "impersonation"
PERMISSION = "organisations.impersonate"
MINUTES = (15, 30, 60)
_SHORTEST_REASON = 10


@transaction.atomic
def start(organisation: Organisation, *, reason: str, minutes: int, by: User) -> Impersonation:
    """A visit that somebody of the operator may make now; its time never grows.

    PermissionDenied without the right; ConflictError for a member, or while another goes on.
    """
    if not may(by, PERMISSION):
        raise PermissionDenied
    _check(organisation, by)
    now = timezone.now()
    for late in _open_ones(by).filter(organisation=organisation, expires_at__lte=now):
        end(late.uuid, SYSTEM)
    visit = Impersonation(
        organisation=organisation,
        user=by.uuid,
        email=by.email,
        reason=_checked_reason(reason),
        expires_at=now + timedelta(minutes=_checked_minutes(minutes)),
    )
    try:
        with transaction.atomic():
            visit.save()
    except IntegrityError as error:
        raise ConflictError(_("You are in there already. End that visit first.")) from error
    _record(visits.STARTED, visit, user_actor(by))
    title = words(gettext_noop("End the support visit of {email}"), email=by.email)
    work.enqueue(KIND, str(visit.uuid), title=title, due_at=visit.expires_at)
    return visit


def open_visit(organisation: Organisation, user: User) -> Impersonation | None:
    """The visit that somebody makes now, while they hold the right to it."""
    if not may(user, PERMISSION):
        return None
    rows = _open_ones(user).filter(organisation=organisation, expires_at__gt=timezone.now())
    return rows.first()


def visits_that_go_on(organisation: Organisation) -> list[UUID]:
    """The uuids of all visits to an organisation that are not over."""
    rows = Impersonation.objects.filter(organisation=organisation, ended_at=None)
    return list(rows.filter(expires_at__gt=timezone.now()).values_list("uuid", flat=True))


@transaction.atomic
def end(visit: UUID, actor: Actor) -> None:
    """End a visit at the operator and in the organisation's schemas that lie here."""
    row = Impersonation.objects.select_for_update().filter(uuid=visit).first()
    if row is None:
        return
    ended = Impersonation.objects.filter(pk=row.pk, ended_at=None).update(ended_at=timezone.now())
    if ended:
        _record(visits.ENDED, row, actor)
        if row.expires_at > timezone.now():
            tell_workspace(row.organisation)
    organisation = Organisation.objects.select_related("console", "workspace").get(
        pk=row.organisation_id
    )
    for tenant in (organisation.console, organisation.workspace):
        if tenant is not None and tenant.is_local:
            with schema_of(tenant.schema_name):
                visits.end_here(visit, actor=actor)


def end_all_of(user: User, actor: Actor) -> None:
    """End every visit of somebody who may make none any more."""
    forget(user)
    current = User.objects.get(pk=user.pk)
    if not may(current, PERMISSION):
        end_visits_of(user, actor)


def end_visits_of(user: User, actor: Actor) -> None:
    """End every visit that somebody is on; they may begin another."""
    for visit in _open_ones(user):
        end(visit.uuid, actor)


def _goes_on(visit: UUID) -> bool:
    """Locks it, so that nobody enters by a link while it is ended."""
    rows = Impersonation.objects.select_for_update().filter(uuid=visit, ended_at=None)
    return rows.filter(expires_at__gt=timezone.now()).first() is not None


knows_visits(Knowledge(_goes_on, end))


def _open_ones(user: User) -> QuerySet[Impersonation]:
    return Impersonation.objects.filter(user=user.uuid, ended_at=None)


def _check(organisation: Organisation, by: User) -> None:
    if role_of(organisation, by) is not None:
        raise ConflictError(
            _("You belong to %(name)s. Enter it as yourself.") % {"name": organisation}
        )
    if organisation.console is None or organisation.status == Organisation.Status.CLOSED:
        raise ConflictError(_("%(name)s has nothing to enter.") % {"name": organisation})


def _checked_reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not _SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        raise DomainError(
            _("Say why in %(least)s to %(most)s characters: the organisation reads it.")
            % {"least": _SHORTEST_REASON, "most": LONGEST_REASON},
            field="reason",
        )
    return text


def _checked_minutes(minutes: int) -> int:
    if minutes not in MINUTES:
        raise DomainError(_("Choose one of the times."), field="minutes")
    return minutes


def _record(type: str, visit: Impersonation, actor: Actor) -> None:
    data = {
        "organisation": str(visit.organisation),
        "by": visit.email,
        "reason": visit.reason,
        "until": visit.expires_at.isoformat(),
    }
    about = Subject("impersonation", str(visit.uuid), visit.email)
    with operator():
        events.record(type, actor=actor, subject=about, data=data)
