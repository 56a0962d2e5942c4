"""A person's inbox and settings."""

from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.addresses import local_path
from apps.accounts.models import User
from apps.core.exceptions import DomainError
from apps.notifications import services
from apps.notifications.constants import SMS
from apps.notifications.context import bell_of
from apps.notifications.gateways import channels_for, number_of, set_number
from apps.notifications.models import Channel, Notification
from apps.notifications.registry import kinds_for
from apps.tenancy.kinds import current_schema, kind_of

_A_PAGE = 30


@require_GET
@never_cache
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """What the person was told, newest first."""
    user = _user(request)
    rows = Notification.objects.filter(user=user, is_shown=True).order_by("-id")
    page = Paginator(rows, _A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "unread": services.unread_of(user)}
    return render(request, "notifications/inbox.html", {**context, "crumbs": _crumbs(request)})


@require_GET
@never_cache
@login_required
def bell(request: HttpRequest) -> HttpResponse:
    """The bell alone, for the page that is open."""
    return render(request, "notifications/_bell.html", {"bell": bell_of(request)})


@require_GET
@never_cache
@login_required
def open_one(request: HttpRequest, notification_id: UUID) -> HttpResponse:
    """Note that one was read, and on to what it tells of."""
    user = _user(request)
    found = get_object_or_404(Notification, uuid=notification_id, user=user)
    services.mark_read(user, pk=found.pk)
    return HttpResponseRedirect(local_path(found.url, reverse("notifications")))


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """Note that all were read."""
    changed = services.mark_read(_user(request))
    text = ngettext("%(count)s is read now.", "%(count)s are read now.", changed)
    messages.success(request, text % {"count": changed})
    return redirect("notifications")


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Which kinds the person wants by which ways."""
    user = _user(request)
    kinds = kinds_for(kind_of(current_schema()), is_staff=user.is_staff)
    offered = channels_for(user)
    number = {"is_asked": SMS in offered, "value": number_of(user), "error": ""}
    if request.method == "POST":
        wanted = {
            (kind.key, channel): f"{kind.key}:{channel}" in request.POST
            for kind in kinds
            for channel in offered
            if channel in kind.offered
        }
        number |= {"value": request.POST.get("number", ""), "error": _keep_number(request, user)}
        if not number["error"]:
            services.set_preferences(user, wanted)
            messages.success(request, _("Your choice is saved."))
            return redirect("notification_settings")
    chosen = services.preferences_of(user)
    rows = [
        {
            "title": kind.title,
            "cells": [
                {
                    "name": f"{kind.key}:{channel}",
                    "label": f"{kind.title}: {Channel(channel).label}",
                    "is_offered": channel in kind.offered,
                    "is_on": chosen.get((kind.key, channel), channel in kind.channels),
                }
                for channel in offered
            ],
        }
        for kind in kinds
    ]
    context = {
        "rows": rows,
        "channels": [Channel(channel).label for channel in offered],
        "number": number,
        "crumbs": [
            *_crumbs(request)[:1],
            {"title": _("Notifications"), "url": reverse("notifications")},
            {"title": _("Settings")},
        ],
    }
    return render(request, "notifications/settings.html", context)


def _keep_number(request: HttpRequest, user: User) -> str:
    """Save the number where it is asked for; why it could not, else nothing."""
    if "number" in request.POST and SMS in channels_for(user):
        try:
            set_number(user, request.POST["number"])
        except DomainError as error:
            return error.message
    return ""


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _crumbs(request: HttpRequest) -> list[dict[str, Any]]:
    home = get_adapter(request).get_login_redirect_url(request)
    return [{"title": _("Home"), "url": home}, {"title": _("Notifications")}]
