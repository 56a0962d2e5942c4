"""API keys in the admin of every kind, and what else is about people."""

from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from apps.accounts import invitation_admin as invitations
from apps.accounts import people_admin as people
from apps.accounts import services
from apps.accounts.access import may
from apps.accounts.models import ApiKey, User
from apps.accounts.providers import admin as providers
from apps.accounts.security import admin as security
from apps.events.actors import Actor, user_actor
from dotmac.crypto.secret import Secret


class ApiKeyAdmin(ModelAdmin):  # type: ignore[misc]
    """Keys of programs: made here and shown once, then only revoked."""

    list_display = ["name", "prefix", "created_by", "created_at", "last_used_at", "state"]
    search_fields = ["name", "prefix"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> list[str]:
        """A new key has a name only."""
        shown = ["prefix", "created_by", "created_at", "last_used_at", "revoked_at"]
        return ["name", *(shown if obj else [])]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Everybody's keys for those who may do all, one's own for others."""
        keys: QuerySet[ApiKey] = super().get_queryset(request)
        return keys if _may_do_all(request) else keys.filter(created_by=request.user.pk)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A key never changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """A revoked key stays in the list, so that its uses can be traced."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may make keys may end those they see."""
        return may(request.user, "keys.use")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key through the service; its text lives in this request alone."""
        assert isinstance(request.user, User)
        key, text = services.create_key(
            name=obj.name, user=request.user, actor=user_actor(request.user)
        )
        obj.__dict__.update(key.__dict__)
        request.made_key = text  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key, this once."""
        made: Secret = request.made_key  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": _("API key made"),
            "opts": self.opts,
            "key": obj,
            "text": made.reveal(),
        }
        return render(request, "admin/accounts/apikey/made.html", context)

    @display(description=_("State"), label={"active": "success", "revoked": "danger"})  # type: ignore[untyped-decorator]
    def state(self, key: ApiKey) -> tuple[str, str]:
        """Whether it still works."""
        return ("revoked", str(_("Revoked"))) if key.revoked_at else ("active", str(_("Active")))

    @action(description=_("Revoke"), permissions=["revoke"])  # type: ignore[untyped-decorator]
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """End keys at once."""
        for key in queryset:
            services.revoke_key(key, actor=_actor(request))


def register(site: AdminSite, kind: str) -> None:
    """People and keys are in every kind."""
    people.register(site)
    invitations.register(site)
    site.register(ApiKey, ApiKeyAdmin)
    security.register(site)
    providers.register(site, kind)


def _may_do_all(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


def _actor(request: HttpRequest) -> Actor:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return user_actor(request.user)
