"""Which language a person reads: their own, else the level's, else the browser's (ADR 018)."""

from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language

from apps.accounts.models import User
from apps.accounts.services import change_detail
from apps.branding.looks import look_in_force
from apps.core.languages import first_of, names, speak
from apps.events.actors import Actor

# What a person can choose.
LANGUAGE_CODES = [code for code, _name in settings.LANGUAGES]
# Files for everybody, and programs, which read English.
FOR_NOBODY = ("/api/", "/brand/", "/static/")


def language_of(user: User | None) -> str:
    """What somebody is written in who is not here to be asked."""
    own = user.language if user else ""
    return first_of([own, look_in_force().language])


def language_of_actor(actor_kind: str, actor_id: str) -> str:
    """The language of who started something in the current schema."""
    is_person = actor_kind == "user" and actor_id
    return language_of(User.objects.filter(uuid=actor_id).first() if is_person else None)


def language_in_use_for(user: User | None) -> str:
    """That of a person who is being served; of a stranger the level's, else the one in use."""
    own = user.language if user else ""
    return first_of([own, look_in_force().language, get_language() or ""])


@transaction.atomic
def choose_language(user: User, code: str, *, actor: Actor) -> None:
    """Keep a person's language; an empty one leaves it to the level and the browser."""
    change_detail(user, "language", code, actor=actor)
    user.language = code


def note_language(user: User) -> None:
    """Keep the language of a person's first sign-in, so that mails come in it as well."""
    if not user.language and not look_in_force().language:
        user.language = get_language() or ""
        User.objects.filter(pk=user.pk, language="").update(language=user.language)


class PersonLanguageMiddleware:
    """Goes on in the person's language, else the one chosen in this browser, else the level's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(FOR_NOBODY):
            code = self._chosen(request)
            if code in names():
                speak(request, code)
        return self.get_response(request)

    @staticmethod
    def _chosen(request: HttpRequest) -> str:
        own = ""
        # Without the cookie nobody is signed in, and the session need not be touched.
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            own = getattr(request.user, "language", "")
        return (
            own
            or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
            or look_in_force().language
        )
