"""Organisations in the operator's admin."""

from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from apps.accounts.access import may
from apps.accounts.addresses import console_host, console_url, workspace_host, workspace_url
from apps.accounts.models import User
from apps.tenancy.kinds import PUBLIC
from apps.tenancy.models import FailedMigration
from apps.tenants.adopting import PERMISSION as ADOPT
from apps.tenants.closing import PERMISSION as CLOSE
from apps.tenants.erasing.admin import ErasureAdmin
from apps.tenants.impersonation import PERMISSION
from apps.tenants.migrating_admin import FailedMigrationAdmin
from apps.tenants.models import Erasure, Impersonation, Membership, Organisation
from apps.tenants.views.adopting import adopt_page
from apps.tenants.views.bringing import import_page
from apps.tenants.views.closing import closing_page
from apps.tenants.views.export import PERMISSION as EXPORT
from apps.tenants.views.export import export_page
from apps.tenants.views.support import support_page

_TONES = {"pending": "info", "active": "success", "suspended": "warning", "closed": "danger"}


class MembershipInline(TabularInline):  # type: ignore[misc]
    """Who may enter an organisation."""

    model = Membership
    verbose_name_plural = _("people")
    hide_title = True
    fields = readonly_fields = ["person", "role"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        """Invitations come from the organisation."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        """With the address of each, which a plain uuid does not lead to."""
        address = User.objects.filter(uuid=OuterRef("user")).values("email")[:1]
        rows: QuerySet[Membership] = super().get_queryset(request)
        return rows.annotate(address=Subquery(address))

    @display(description=_("person"))  # type: ignore[untyped-decorator]
    def person(self, member: Any) -> str:
        """Who that is."""
        return member.address or str(member.user)


class ImpersonationInline(TabularInline):  # type: ignore[misc]
    """Who of the operator was in there, why and when."""

    model = Impersonation
    hide_title = True
    fields = readonly_fields = ["email", "reason", "started_at", "expires_at", "ended_at"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        """They begin on a page of their own."""
        return False


class OrganisationAdmin(ModelAdmin):  # type: ignore[misc]
    """ISPs as customers: read here, changed by what they and their plan do."""

    list_display = [
        "name",
        "address",
        "state",
        "plan_key",
        "region",
        "trial_ends_at",
        "erase_after",
        "created_at",
    ]
    list_filter = ["status", "plan_key", "region", "country"]
    search_fields = ["name", "slug", "email"]
    date_hierarchy = "created_at"
    inlines = [MembershipInline, ImpersonationInline]
    actions_list = ["adopt_imported"]
    actions_detail = ["enter_as_support", "export_data", "close_or_reopen"]
    fields = [
        "name",
        "uuid",
        "status",
        ("console_link", "workspace_link"),
        ("country", "currency"),
        ("time_zone", "region"),
        ("plan_key", "trial_ends_at"),
        ("erase_after", "closing_reason"),
        "email",
        "created_at",
    ]
    readonly_fields = [
        "uuid",
        "console_link",
        "workspace_link",
        "created_at",
        "erase_after",
        "closing_reason",
    ]

    def get_urls(self) -> list[URLPattern]:
        """The pages of imports, support visits, exports and closing, before the admin's own."""
        wrap, site = self.admin_site.admin_view, self.admin_site
        support, export = wrap(partial(support_page, site)), wrap(partial(export_page, site))
        close = wrap(partial(closing_page, site))
        adopt = wrap(partial(adopt_page, site))
        bring = wrap(partial(import_page, site))
        return [
            path("imported/", adopt, name="tenants_organisation_adopt"),
            path("import/", bring, name="tenants_organisation_import"),
            path("<int:object_id>/support/", support, name="tenants_organisation_support"),
            path("<int:object_id>/data/", export, name="tenants_organisation_export"),
            path("<int:object_id>/closing/", close, name="tenants_organisation_closing"),
            *super().get_urls(),
        ]

    def has_adopt_permission(self, request: HttpRequest, *_ids: Any) -> bool:
        """Who may make customers of what was imported."""
        return may(request.user, ADOPT)

    @action(description=_("Imported tenants"), icon="move_to_inbox", permissions=["adopt"])  # type: ignore[untyped-decorator]
    def adopt_imported(self, request: HttpRequest) -> HttpResponse:
        """To the page of tenants that belong to no organisation."""
        return redirect("admin:tenants_organisation_adopt")

    def has_impersonate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may enter organisations as support."""
        return may(request.user, PERMISSION)

    @action(
        description=_("Enter as support"),
        icon="support_agent",
        permissions=["impersonate"],
        url_path="enter",
    )  # type: ignore[untyped-decorator]
    def enter_as_support(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that asks why and for how long."""
        return redirect("admin:tenants_organisation_support", object_id)

    def has_export_data_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may take an organisation's data along."""
        return may(request.user, EXPORT)

    @action(
        description=_("Export data"),
        icon="download",
        permissions=["export_data"],
        url_path="export",
    )  # type: ignore[untyped-decorator]
    def export_data(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page of its files."""
        return redirect("admin:tenants_organisation_export", object_id)

    def has_close_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may close organisations."""
        return may(request.user, CLOSE)

    @action(
        description=_("Close or take back"),
        icon="domain_disabled",
        permissions=["close"],
        url_path="close",
    )  # type: ignore[untyped-decorator]
    def close_or_reopen(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that says what it means."""
        return redirect("admin:tenants_organisation_closing", object_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Organisations sign up."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        """Each change has an operation of its own."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Organisation | None = None) -> bool:
        """An organisation is closed, and erased once its days of grace are over."""
        return False

    @display(description=_("Address"), ordering="slug")  # type: ignore[untyped-decorator]
    def address(self, organisation: Organisation) -> str:
        """Where its console is."""
        return console_host(organisation.slug)

    @display(description=_("State"), ordering="status", label=_TONES)  # type: ignore[untyped-decorator]
    def state(self, organisation: Organisation) -> tuple[str, str]:
        """Its status as a coloured word."""
        return organisation.status, organisation.get_status_display()

    @display(description=_("Console"))  # type: ignore[untyped-decorator]
    def console_link(self, organisation: Organisation) -> SafeString:
        """The way to its console, for those who belong to it."""
        return _link(console_url(organisation.slug), console_host(organisation.slug))

    @display(description=_("Workspace"))  # type: ignore[untyped-decorator]
    def workspace_link(self, organisation: Organisation) -> SafeString:
        """The way to its workspace."""
        return _link(workspace_url(organisation.slug), workspace_host(organisation.slug))


def register(site: AdminSite, kind: str) -> None:
    """Organisations are the operator's customers."""
    if kind == PUBLIC:
        site.register(Organisation, OrganisationAdmin)
        site.register(Erasure, ErasureAdmin)
        site.register(FailedMigration, FailedMigrationAdmin)


def _link(url: str, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)
