"""In which time zone a person reads: their own, else the level's, else UTC (ADR 037)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apps.accounts.languages import FOR_NOBODY, language_in_use_for, language_of
from apps.accounts.models import User
from apps.accounts.services import change_detail
from apps.branding.looks import look_in_force
from apps.core.languages import speaking
from apps.core.zones import in_zone
from apps.events.actors import Actor


def zone_of(user: User | None) -> str:
    """The zone of somebody, or of the level; empty for UTC."""
    return (user.time_zone if user else "") or look_in_force().time_zone


@contextmanager
def writing_to(user: User | None, *, zone: str = "") -> Iterator[None]:
    """For a while in somebody's language and time zone, or in the level's.

    `zone` is that of who chose none, where what is written about lies in another than the level.
    """
    own = user.time_zone if user else ""
    with speaking(language_of(user)), in_zone(own or zone or look_in_force().time_zone):
        yield


@contextmanager
def writing_to_address(email: str) -> Iterator[None]:
    """The same for the person with an address; of a stranger the language in use."""
    user = User.objects.filter(email=email.lower()).first()
    with speaking(language_in_use_for(user)), in_zone(zone_of(user)):
        yield


@transaction.atomic
def choose_zone(user: User, name: str, *, actor: Actor) -> None:
    """Keep a person's time zone; an empty one leaves it to the level."""
    change_detail(user, "time_zone", name, actor=actor)
    user.time_zone = name


def note_zone(user: User, name: str) -> None:
    """Keep the zone that somebody first said they are in, so that mails say times in it as well."""
    if not user.time_zone:
        User.objects.filter(pk=user.pk, time_zone="").update(time_zone=name)
        user.time_zone = name


class PersonZoneMiddleware:
    """Goes on in the person's time zone, else the level's; programs are told in UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(FOR_NOBODY):
            return self.get_response(request)
        own = ""
        # Without the cookie nobody is signed in, and the session need not be touched.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            own = getattr(request.user, "time_zone", "")
        with in_zone(own or look_in_force().time_zone):
            return self.get_response(request)
