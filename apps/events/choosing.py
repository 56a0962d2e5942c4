"""Which events the list shows for the query of its address, where nobody looks at it."""

from django.contrib.admin import AdminSite
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from apps.events.admin import EventAdmin
from apps.events.models import Event


def chosen_events(query: str) -> QuerySet[Event]:
    """By the list's own filters and search, so that a file holds what was looked at.

    Who asks was checked before.
    """
    request = HttpRequest()
    request.method, request.GET, request.user = "GET", QueryDict(query), AnonymousUser()
    return EventAdmin(Event, AdminSite()).chosen(request)
