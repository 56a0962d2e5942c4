"""Where somebody is in sign-up. The answers are kept in the session until the end."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from apps.accounts.constants import SIGN_UP
from apps.accounts.models import User
from apps.accounts.security.factors import has_factor
from apps.accounts.services import has_verified_email

View = Callable[[HttpRequest], HttpResponse]

TITLES = {
    "account": _("Account"),
    "verify": _("E-mail"),
    "organisation": _("Organisation"),
    "place": _("Place"),
    "plan": _("Plan"),
}
STEPS = tuple(TITLES)
_ACCOUNT_STEPS = ("account", "verify")


class Answers:
    """What somebody answered so far, in their session; reads as a mapping."""

    def __init__(self, request: HttpRequest) -> None:
        self._session = request.session
        self._kept: dict[str, Any] = self._session.get(SIGN_UP, {})

    def get(self, name: str, default: Any = None) -> Any:
        """An answer, or the default."""
        return self._kept.get(name, default)

    def keep(self, **answers: Any) -> None:
        """Keep answers; what is there under other names stays."""
        self._kept |= answers
        self._session[SIGN_UP] = self._kept

    def forget(self) -> None:
        """Sign-up is complete: begin anew next time."""
        self._kept = {}
        self._session.pop(SIGN_UP, None)

    def idempotency_key(self) -> str:
        """One key for all attempts to create this organisation."""
        if "key" not in self._kept:
            self.keep(key=str(uuid4()))
        return str(self._kept["key"])

    def pending_user(self) -> User | None:
        """Who began to sign up in this browser and is not signed in yet."""
        return User.objects.filter(pk=self.get("user", 0), is_active=True).first()


def first_missing(request: HttpRequest) -> str:
    """The first step without an answer."""
    answers = Answers(request)
    if not request.user.is_authenticated:
        return "verify" if answers.get("email") else "account"
    assert isinstance(request.user, User)
    if not has_verified_email(request.user):
        return "verify"
    open_steps = (step for step in ("organisation", "place") if not answers.get(step))
    return next(open_steps, "plan")


def step_url(step: str) -> str:
    """The address of a step."""
    return reverse(f"signup_{step}")


def at(step: str) -> Callable[[View], View]:
    """Let a step be seen only in order; otherwise lead to the first missing one."""

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            resume(request)
            missing = first_missing(request)
            is_early = STEPS.index(step) > STEPS.index(missing)
            is_past = step in _ACCOUNT_STEPS and missing not in _ACCOUNT_STEPS
            is_signed_in = step == "account" and request.user.is_authenticated
            if is_early or is_past or is_signed_in:
                return HttpResponseRedirect(step_url(missing))
            return view(request)

        return guarded

    return decorate


def resume(request: HttpRequest) -> None:
    """Sign in who signed up in this browser, once the address is confirmed in any other.

    Not past a second factor: whoever has one set up has long signed in themselves.
    """
    if request.user.is_authenticated:
        return
    user = Answers(request).pending_user()
    if user is not None and has_verified_email(user) and not has_factor(user):
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])


def page(request: HttpRequest, step: str, **context: Any) -> dict[str, Any]:
    """What the template of every step needs."""
    number = STEPS.index(step)
    missing = STEPS.index(first_missing(request))
    first = 2 if missing > 1 else 0
    back = STEPS[number - 1] if number > first else None
    return {
        "step": number + 1,
        "steps": [_bar_item(index, number, missing) for index in range(len(STEPS))],
        "back_url": step_url(back) if back else "",
        "login_url": reverse("account_login"),
        **context,
    }


def _bar_item(index: int, current: int, missing: int) -> dict[str, Any]:
    state = "done" if index < missing else "todo"
    # Who is signed in does not go back to the account.
    is_open = state == "done" and not (missing > 1 and index < 2)
    return {
        "title": TITLES[STEPS[index]],
        "state": "current" if index == current else state,
        "url": step_url(STEPS[index]) if is_open else "",
    }
