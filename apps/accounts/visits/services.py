"""Beginning, checking and ending support visits in the current schema."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from apps.accounts.exceptions import HandOffError
from apps.accounts.hand_off import reason_of
from apps.accounts.keys import verify_keys
from apps.accounts.models import User
from apps.accounts.security.methods import holds_second_factor
from apps.accounts.security.policy import policy_in_force
from apps.accounts.services import spend
from apps.accounts.visits.models import Visit
from apps.accounts.visits.registry import end_everywhere, goes_on
from apps.events import services as events
from apps.events.actors import Actor, Subject
from apps.work import services as work
from apps.work.words import words
from dotmac.crypto.contracts import SupportVisit, open_support_visit
from dotmac.crypto.tokens import TokenError

KIND = "support_visit"
# Where a session keeps the uuid of its visit. Such a session knows no person besides.
SESSION_KEY = "support_visit"
STARTED, ENDED = "impersonation.started", "impersonation.ended"


@dataclass(frozen=True)
class VisitEntrance:
    """An accepted support link: which visit, bound to which browser, and the id to be spent."""

    message: SupportVisit
    jti: str
    expires_at: datetime
    state: str


def open_entrance(token: str, *, host: str) -> VisitEntrance:
    """Check signature, purpose, host and age; HandOffError says what is wrong."""
    try:
        opened = open_support_visit(token, verify_keys(), host=host, issuer=settings.BASE_DOMAIN)
    except TokenError as error:
        raise HandOffError(reason_of(error)) from None
    state = str(opened.claims.payload.get("state", ""))
    return VisitEntrance(opened.value, opened.claims.jti, opened.claims.expires_at, state)


@transaction.atomic
def begin(entrance: VisitEntrance) -> Visit:
    """Spend the link and return the visit; HandOffError once it is over.

    A second entrance, in another window, joins the visit and makes it no longer.
    """
    message = entrance.message
    # Stricter than for the ISP's own people: there are no days of grace.
    policy = policy_in_force()
    if policy.who != policy.Who.NOBODY and not holds_second_factor(message.amr):
        raise HandOffError("factor")
    spend(entrance.jti, entrance.expires_at)
    if not goes_on(message.visit):
        raise HandOffError("over")
    visit, is_new = Visit.objects.get_or_create(
        uuid=message.visit,
        defaults={
            "user": _row_of(message),
            "person": message.person,
            "email": message.email,
            "name": message.name,
            "reason": message.reason,
            "started_at": timezone.now(),
            "expires_at": message.expires_at,
        },
    )
    if not visit.is_open:
        raise HandOffError("over")
    if is_new:
        _record(STARTED, visit, visit.actor)
        title = words(gettext_noop("End the support visit of {email}"), email=visit.email)
        work.enqueue(KIND, str(visit.uuid), title=title, due_at=visit.expires_at)
    return visit


def visitor_in(session: Any) -> User | None:
    """Who visits in a session, as they are for this one request; None once the visit is over."""
    rows = Visit.objects.select_related("user").filter(uuid=session[SESSION_KEY], ended_at=None)
    visit = rows.filter(expires_at__gt=timezone.now()).first()
    if visit is None:
        return None
    user = visit.user
    user.visit, user.email, user.name = visit, visit.email, visit.name
    # Never saved (User.save): the row itself may do nothing and lets nobody in.
    user.is_active = user.is_staff = True
    user.is_superuser = False
    user._state.fields_cache["membership"] = None
    return user


def end(visit: UUID, *, actor: Actor) -> None:
    """End a visit everywhere that is known from here; nothing happens when it is over."""
    if not end_everywhere(visit, actor):
        end_here(visit, actor=actor)


@transaction.atomic
def end_here(visit: UUID, *, actor: Actor) -> None:
    """End a visit in the current schema, from the next request on."""
    if Visit.objects.filter(uuid=visit, ended_at=None).update(ended_at=timezone.now()):
        _record(ENDED, Visit.objects.get(uuid=visit), actor)


def end_others(going_on: Iterable[UUID], *, before: datetime, actor: Actor) -> None:
    """End what began before a moment and is not among the visits that went on then."""
    rows = Visit.objects.filter(ended_at=None, started_at__lt=before)
    for uuid in rows.exclude(uuid__in=list(going_on)).values_list("uuid", flat=True):
        end_here(uuid, actor=actor)


def _row_of(message: SupportVisit) -> User:
    """The row that stands for them here: without a password, switched off, with no role."""
    uuid = uuid5(message.person, "visitor")
    user, _is_new = User.objects.get_or_create(
        uuid=uuid,
        defaults={
            "email": f"{uuid}@visitor.invalid",
            "name": f"{message.name or message.email} (DotMac)"[:120],
            "password": make_password(None),
            "is_active": False,
            "is_visitor": True,
        },
    )
    return user


def _record(type: str, visit: Visit, actor: Actor) -> None:
    data = {"by": visit.email, "reason": visit.reason, "until": visit.expires_at.isoformat()}
    about = Subject("impersonation", str(visit.uuid), visit.email)
    events.record(type, actor=actor, subject=about, data=data)
