"""The sessions of people: where they are signed in, and ending that."""

from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.core import signing
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.registry import signed_out
from apps.accounts.security.browsers import browser_name
from apps.core.outages import by_the_way
from apps.events import services as events
from apps.events.actors import Actor, user_actor
from apps.tenancy.kinds import current_schema

# How exact “last seen” is: a write each time would cost every page one.
SEEN_EVERY_S = 300
# How long the link in a mail about a new sign-in ends that session.
END_LINK_LASTS = timedelta(days=7)


def client_ip(request: HttpRequest) -> str:
    """The address of the person's own device, as the edge saw it."""
    return str(get_adapter(request).get_client_ip(request))


def begin_session(request: HttpRequest) -> UserSession:
    """The row of the session in this request, made when it is missing.

    Saved first: allauth throws away rows whose stored session does not know its person yet.
    """
    request.session.save()
    UserSession.objects.create_from_request(request)
    return UserSession.objects.get(session_key=request.session.session_key)


def note_seen(request: HttpRequest) -> None:
    """Say that a session is in use, every few minutes for each process."""
    key = request.session.session_key
    if key and cache.add(f"session-seen:{key}", 1, SEEN_EVERY_S):
        with by_the_way():
            UserSession.objects.create_from_request(request)


def sessions_of(user: User, *, current_key: str | None) -> list[dict[str, Any]]:
    """Where a person is signed in, the present session first, then by last use."""
    found = UserSession.objects.purge_and_list(user)
    found.sort(key=lambda s: (s.session_key != current_key, -s.last_seen_at.timestamp()))
    return [
        {
            "pk": session.pk,
            "browser": browser_name(session.user_agent),
            "ip": session.ip,
            "since": session.created_at,
            "last_seen_at": session.last_seen_at,
            "is_current": session.session_key == current_key,
        }
        for session in found
    ]


@transaction.atomic
def revoke_session(session: UserSession, *, actor: Actor) -> None:
    """End a session from its next request on; nothing happens when it is over already."""
    if UserSession.objects.select_for_update().filter(pk=session.pk).exists():
        session.end()
        data = {"ip": session.ip, "browser": browser_name(session.user_agent)}
        events.record("user.session_revoked", actor=actor, subject=session.user, data=data)


def revoke_others(user: User, *, keep: str | None, actor: Actor) -> int:
    """End all sessions of a person but the one with the key `keep`; returns how many."""
    others = list(UserSession.objects.filter(user=user).exclude(session_key=keep or ""))
    for session in others:
        revoke_session(session, actor=actor)
    return len(others)


@transaction.atomic
def revoke_everywhere(user: User, *, keep: str | None, actor: Actor) -> int:
    """End all sessions of a person but `keep`, also where they came from here by hand-off.

    Returns how many ended here. To be called before the person's row is written: elsewhere is
    locked first, as a hand-off does that comes in meanwhile.
    """
    signed_out(user, actor)
    return revoke_others(user, keep=keep, actor=actor)


def end_token(session: UserSession) -> str:
    """The text in a mail's link that ends one session, and is good for nothing else."""
    return signing.dumps(session.pk, salt=_salt(), compress=True)


def session_of_token(token: str) -> UserSession | None:
    """The session that a mail's link is about; None when it is over or the link is too old."""
    try:
        pk = signing.loads(token, salt=_salt(), max_age=END_LINK_LASTS)
    except signing.BadSignature:
        return None
    return UserSession.objects.filter(pk=pk).select_related("user").first()


def revoke_by_token(session: UserSession) -> None:
    """End the session that its person does not know, at their word."""
    revoke_session(session, actor=user_actor(session.user))


def _salt() -> str:
    """A link of one schema opens nothing in another."""
    return f"accounts.end-session.{current_schema()}"
