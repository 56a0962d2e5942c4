"""What of an organisation lies in `public`: its own rows, its people, and what names it."""

import json
from itertools import islice
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import models
from django_q.models import Task

from apps.accounts.models import Invitation, User
from apps.alerts.models import Alert, AlertDelivery, MailPath
from apps.certificates.planning import forget_certificates
from apps.core.models import IdempotentAnswer, Tombstone
from apps.fleet.models import Placement, Route
from apps.fleet.services import remove_route
from apps.lists.models import SavedView
from apps.notifications.models import Delivery as Message
from apps.notifications.models import Notification, Suppressed
from apps.operations.models import LogLine, Operation
from apps.tenancy.kinds import PUBLIC
from apps.tenancy.models import FailedMigration, Tenant
from apps.tenants.erasing.registry import mentioning, organisation_goes
from apps.tenants.erasing.scanning import matching, rows_that_say
from apps.tenants.erasing.traces import Traces
from apps.tenants.models import ErasedPerson, Membership, Organisation
from apps.webhooks.models import Attempt, Delivery
from apps.work.models import Due

# Rows of the operator that go when they name an organisation that is erased, or its people: what
# was told, tried and answered. What else there is has a step, or the last look finds it.
MENTIONS: tuple[type[models.Model], ...] = (
    Notification,
    Message,
    Suppressed,
    Alert,
    AlertDelivery,
    MailPath,
    IdempotentAnswer,
    # Of what the steps before deleted; programs learn of it by the event.
    Tombstone,
    Attempt,
    Delivery,
    LogLine,
    Operation,
    Due,
    Task,
    Invitation,
    SavedView,
    LogEntry,
)
_AT_ONCE = 500
# What is written in sentences, with the organisation's name.
TOLD: tuple[type[models.Model], ...] = (Notification, Alert)


def forget_organisation(traces: Traces) -> dict[str, int]:
    """Delete its own rows: routes, places, grants, reports, members, visits, tenants, itself."""
    found: dict[str, int] = {}
    for route in Route.objects.filter(schema__in=traces.schemas):
        _add(found, {Route._meta.label_lower: int(remove_route(route.hostname))})
    _add(found, forget_certificates(traces.is_host))
    organisation = Organisation.objects.filter(uuid=traces.uuids[0]).first()
    if organisation is not None:
        _add(found, organisation_goes(organisation))
    subjects = Due.objects.filter(schema=PUBLIC, subject__in=traces.uuids)
    for rows in (
        Placement.objects.filter(schema__in=traces.schemas),
        FailedMigration.objects.filter(schema__in=traces.schemas),
        ErasedPerson.objects.filter(schema__in=traces.schemas),
        subjects,
        Organisation.objects.filter(uuid=traces.uuids[0]),
        Tenant.objects.filter(schema_name__in=traces.schemas),
    ):
        _add(found, _delete(rows))
    return found


def forget_people(traces: Traces) -> dict[str, int]:
    """Delete the accounts of members who belong to nobody else and are no staff."""
    gone = [user for user in _members(traces) if not _stays(user)]
    found: dict[str, int] = {}
    keys = list(UserSession.objects.filter(user__in=gone).values_list("session_key", flat=True))
    _add(found, _delete(Session.objects.filter(pk__in=keys)))
    for user in gone:
        _add(found, _delete(User.objects.filter(pk=user.pk)))
    return found


def people_gone(traces: Traces) -> list[tuple[str, str]]:
    """The members whose accounts are gone: uuid and address."""
    here = {str(user.uuid) for user in _members(traces)}
    return [pair for pair in traces.members if pair[0] not in here]


def forget_mentions(pattern: str, name: str, *, but: Operation) -> dict[str, int]:
    """Delete what was told and tried, where it names the organisation or people who are gone.

    `name` is a second pattern, for what is written in sentences alone.
    """
    found = {"sessions.session": _forget_sessions(pattern)}
    for model in TOLD:
        _add(found, _delete(model._base_manager.filter(pk__in=rows_that_say(model, name))))
    for model in (*MENTIONS, *mentioning()):
        pks = rows_that_say(model, pattern)
        rows = model._base_manager.filter(pk__in=pks)
        if model is Operation:
            rows = rows.exclude(pk=but.pk)
        if model is Due:
            rows = rows.filter(schema=PUBLIC).exclude(subject=str(but.uuid))
        _add(found, _delete(rows))
    return {name: count for name, count in found.items() if count}


def _forget_sessions(pattern: str) -> int:
    """Sessions whose person is gone, and sign-ups that name the organisation.

    What is in them is encoded, so that each is read.
    """
    alive = {str(pk) for pk in User.objects.values_list("pk", flat=True)}
    count, rows = 0, Session.objects.iterator(_AT_ONCE)
    while some := {row.session_key: row.get_decoded() for row in islice(rows, _AT_ONCE)}:
        users = {key: said.get("_auth_user_id") for key, said in some.items()}
        gone = {key for key, user in users.items() if user is not None and user not in alive}
        gone |= matching(pattern, {key: json.dumps(said) for key, said in some.items()})
        count += Session.objects.filter(pk__in=gone).delete()[0]
    return count


def _members(traces: Traces) -> list[User]:
    uuids = [uuid for uuid, _email in traces.members]
    return list(User.objects.filter(uuid__in=uuids).order_by("pk"))


def _stays(user: User) -> bool:
    elsewhere = Membership.objects.filter(user=user.uuid).exists()
    owns = Organisation.objects.filter(owner=user.uuid).exists()
    return user.is_staff or user.is_superuser or elsewhere or owns


def _delete(rows: models.QuerySet[Any]) -> dict[str, int]:
    return {label.lower(): count for label, count in rows.delete()[1].items() if count}


def _add(found: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        found[name] = found.get(name, 0) + count
