"""The first page of an admin, put together from what the apps registered for its kind."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.portal import steps
from apps.portal.ranges import TITLES, range_of
from apps.portal.registry import admin_home

# What makes a page worth looking at; without any of it, it says what its viewer can do.
_CONTENT = (
    "headline",
    "watched",
    "needs",
    "operations",
    "stats",
    "charts",
    "instances",
    "servers",
    "organisations",
    "plans",
    "events",
)


def home_of(kind: str, request: HttpRequest) -> dict[str, Any]:
    """The context of a kind's first page, for whoever asks."""
    context = admin_home(kind, request)
    is_bare = not any(name in context for name in _CONTENT)
    for name in ("stats", "charts", "limits"):
        context[name] = sorted(context.get(name, []), key=lambda one: one.order)
    picked = range_of(request)
    return {
        **context,
        **steps.checklist(context.get("checklist", []), request.user),
        "steps_url": reverse("admin:first_steps"),
        "is_bare": is_bare,
        "picked": picked,
        "ranges": [
            {"key": key, "title": title, "is_picked": key == picked.key}
            for key, title in TITLES.items()
        ],
        "today": timezone.localdate(),
    }


def choose_steps(request: HttpRequest) -> HttpResponse:
    """Put first steps away, or show them all again; a person's own choice."""
    keys = [key for key in request.POST.getlist("step") if 0 < len(key) <= steps.LONGEST]
    if keys:
        steps.set_aside(request.user, keys[: steps.MOST])
    else:
        steps.bring_back(request.user)
    return redirect("admin:index")
