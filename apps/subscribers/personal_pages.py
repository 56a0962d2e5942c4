"""The page of a subscriber's personal data in the workspace's admin."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from apps.accounts.access import require
from apps.accounts.personal_kinds import long_work
from apps.accounts.personal_pages import PersonalPage, personal_file, personal_page
from apps.core.personal import SUBSCRIBER
from apps.events.actors import user_actor
from apps.subscribers.models import Subscriber
from apps.subscribers.personal import PERMISSION, subscriber_preview


class PersonalData:
    """What an admin of subscribers has beside its own pages."""

    admin_site: AdminSite

    def personal(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What there is of them, as a file or to erase."""
        require(request, PERMISSION)
        person = get_object_or_404(Subscriber, pk=pk)
        page = PersonalPage(
            title=str(person),
            of=SUBSCRIBER,
            person=person,
            confirm=person.number,
            lines=subscriber_preview(person),
            erase=lambda: long_work().erase(SUBSCRIBER, person, actor=user_actor(request.user)),
            file_url=reverse("admin:subscribers_personal_file", args=[pk]),
            back_url=reverse("admin:subscribers_subscriber_change", args=[pk]),
            done_url=reverse("admin:subscribers_subscriber_change", args=[pk]),
        )
        return personal_page(self.admin_site, request, page)

    def personal_file(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """All rows about them; by POST the file is written."""
        require(request, PERMISSION)
        person = get_object_or_404(Subscriber, pk=pk)
        back = reverse("admin:subscribers_personal", args=[pk])
        return personal_file(request, SUBSCRIBER, person, back=back)
