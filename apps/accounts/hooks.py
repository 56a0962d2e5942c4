"""What of people's sessions, links and programs is past its time; and where forms lead them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.addresses import console_url, platform_url, workspace_url
from apps.accounts.models import KnownBrowser, UsedHandOff
from apps.accounts.providers.models import IdentityProvider
from apps.core.api.idempotency import KEPT as ANSWERS_KEPT
from apps.core.form_targets import forms_lead_to
from apps.core.models import IdempotentAnswer, Tombstone
from apps.core.sealed import seals
from apps.tenancy.kinds import PUBLIC, current_schema
from apps.tenancy.transfer.registry import leaves_out
from apps.work.registry import forgets

# Whoever comes from the same browser after so long is told of a new one.
BROWSERS_KEPT = timedelta(days=400)
# As the trigger that writes them does, where something is deleted now and then.
_TOMBSTONES_KEPT = timedelta(days=90)
# Rows of sessions are written a moment after the sessions.
_MOMENT = timedelta(hours=1)

# Whoever held an archive could take over what people have open where it was made.
leaves_out("sessions.Session", "usersessions.UserSession")


@forgets
def _sessions() -> QuerySet[Session]:
    """Nobody comes back to them; also those of people who never signed in."""
    return Session.objects.filter(expire_date__lt=timezone.now())


@forgets
def _shown_sessions() -> QuerySet[Any]:
    """Where people were signed in: rows whose session is gone."""
    alive = Session.objects.filter(pk=OuterRef("session_key"))
    return UserSession.objects.filter(~Exists(alive), last_seen_at__lt=timezone.now() - _MOMENT)


@forgets
def _hand_offs() -> QuerySet[UsedHandOff]:
    return UsedHandOff.objects.filter(expires_at__lt=timezone.now())


@forgets
def _browsers() -> QuerySet[KnownBrowser]:
    return KnownBrowser.objects.filter(seen_at__lt=timezone.now() - BROWSERS_KEPT)


@forgets
def _answers() -> QuerySet[IdempotentAnswer]:
    return IdempotentAnswer.objects.filter(created_at__lt=timezone.now() - ANSWERS_KEPT)


@forgets
def _tombstones() -> QuerySet[Tombstone]:
    return Tombstone.objects.filter(deleted_at__lt=timezone.now() - _TOMBSTONES_KEPT)


@forms_lead_to
def _hosts(_request: HttpRequest) -> Iterator[str]:
    """Whoever is not signed in any more is led to the operator, who hands people over to all."""
    yield platform_url("")
    if current_schema() == PUBLIC:
        yield console_url("*", "")
        yield workspace_url("*", "")


seals(IdentityProvider, "secret")
seals(Authenticator, "data")
