"""Ending somebody else's sessions, on their page in the admin of every kind."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts import members
from apps.accounts.access import require
from apps.accounts.models import User
from apps.accounts.security.sessions import sessions_of


class Sessions:
    """What an admin of people has beside its own pages."""

    admin_site: AdminSite
    change_form_outer_after_template = "admin/accounts/user/sessions.html"

    def get_urls(self) -> list[URLPattern]:
        """The button, before the admin's own pages."""
        end = self.admin_site.admin_view(require_POST(self.end_sessions))
        own = path("<int:pk>/sessions/end/", end, name="accounts_user_sessions_end")
        return [own, *super().get_urls()]  # type: ignore[misc]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """With where they are signed in, for those who may end it."""
        user = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        more = {}
        if user is not None and self.has_change_permission(request, user):  # type: ignore[attr-defined]
            more = {"person": user, "sessions": sessions_of(user, current_key=None)}
        context = {**(extra_context or {}), **more}
        return super().change_view(request, object_id, form_url, context)  # type: ignore[misc,no-any-return]

    def end_sessions(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Sign somebody out everywhere who may do no more than who asks."""
        require(request, "people.manage")
        if not isinstance(request.user, User):
            raise PermissionDenied
        user = get_object_or_404(User, pk=pk, is_visitor=False)
        members.end_sessions(user, by=request.user)
        messages.success(request, _("%(name)s is signed out everywhere.") % {"name": user})
        return redirect("admin:accounts_user_change", pk)
