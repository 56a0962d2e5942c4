"""The page of a person's data in the admin of every kind."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.decorators import action

from apps.accounts.access import may, require
from apps.accounts.members import require_above
from apps.accounts.models import User
from apps.accounts.personal import user_preview
from apps.accounts.personal_kinds import long_work
from apps.accounts.personal_pages import ERASE, PersonalPage, personal_file, personal_page
from apps.core.personal import USER
from apps.events.actors import user_actor


class PersonalData:
    """What an admin of people has beside its own pages."""

    admin_site: AdminSite

    def get_urls(self) -> list[URLPattern]:
        """Their data, before the admin's own pages."""
        wrap = self.admin_site.admin_view
        file = wrap(require_http_methods(["GET", "POST"])(self.personal_file))
        return [
            path("<int:pk>/personal/", wrap(self.personal), name="accounts_user_personal"),
            path("<int:pk>/personal.json", file, name="accounts_user_personal_file"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def has_erase_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may give out and erase people's data."""
        return may(request.user, ERASE)

    @action(
        description=_("Personal data"),
        icon="person_off",
        permissions=["erase"],
        url_path="data",
    )  # type: ignore[untyped-decorator]
    def own_data(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that gives it out and erases it."""
        return redirect("admin:accounts_user_personal", object_id)

    def personal(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What there is of them, as a file or to erase."""
        user = self._person_to_erase(request, pk)
        subject = PersonalPage(
            title=str(user),
            of=USER,
            person=user,
            confirm=user.email,
            lines=user_preview(user),
            erase=lambda: long_work().erase(USER, user, actor=user_actor(request.user)),
            file_url=reverse("admin:accounts_user_personal_file", args=[pk]),
            back_url=reverse("admin:accounts_user_change", args=[pk]),
            done_url=reverse("admin:accounts_user_changelist"),
        )
        return personal_page(self.admin_site, request, subject)

    def personal_file(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """All rows about them; by POST the file is written."""
        user = self._person_to_erase(request, pk)
        back = reverse("admin:accounts_user_personal", args=[pk])
        return personal_file(request, USER, user, back=back)

    def _person_to_erase(self, request: HttpRequest, pk: int) -> User:
        """Somebody who may not do more than who asks."""
        require(request, ERASE)
        by = request.user
        if not isinstance(by, User):
            raise PermissionDenied
        user = get_object_or_404(User, pk=pk, is_visitor=False)
        require_above(by, user)
        return user
