"""The sidebar of each admin: what is needed daily first, in groups, each with an icon.

An entry names a model or a URL; one that this person may not see, or that the role does not have,
is left out. Icons are Material Symbols, which the admin theme brings along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts.access import may
from apps.tenancy.kinds import CONSOLE, PUBLIC, WORKSPACE


@dataclass(frozen=True)
class Entry:
    """A line of the sidebar: a model's list by label, or a page by its URL's name."""

    icon: str
    model: str = ""
    page: str = ""
    permission: str = ""
    title: str | Promise = ""


@dataclass(frozen=True)
class Group:
    """Lines under a heading; the first group of a sidebar needs none."""

    entries: tuple[Entry, ...]
    title: str | Promise = ""


_HOME = Entry("home", page="admin:index", title=_("Home"))
_ACCESS = Group(
    (
        Entry("group", "accounts.User"),
        Entry("mail", "accounts.Invitation"),
        Entry("badge", "accounts.Role"),
        Entry("smart_toy", "accounts.ServiceAccount"),
        Entry("key", "accounts.ApiKey"),
        Entry("shield_person", "accounts.SignInPolicy"),
        Entry("passkey", "accounts.IdentityProvider"),
        Entry("login", "idp.RelyingParty"),
        Entry("history", "events.Event"),
        Entry("webhook", "webhooks.Endpoint"),
    ),
    _("People and record"),
)
_LOOK = Group(
    (
        Entry("palette", "branding.Brand"),
        Entry("alternate_email", "branding.Sender"),
        Entry("outgoing_mail", "notifications.Delivery"),
        Entry("notification_important", "alerts.AlertChannel"),
        Entry("send", "alerts.AlertDelivery"),
        Entry("sms", "notifications.SmsGateway"),
        Entry("unsubscribe", "notifications.Suppressed"),
    ),
    _("Brand and messages"),
)
_DATA = Entry(
    "download", page="admin:export_data", permission="data.export", title=_("Export data")
)
SIDEBARS: dict[str, tuple[Group, ...]] = {
    PUBLIC: (
        Group(
            (
                _HOME,
                Entry("domain", "tenants.Organisation"),
                Entry("domain_disabled", "tenants.Erasure"),
                Entry("checklist", "work.Due"),
                Entry(
                    "monitor_heart",
                    page="admin:doctor_health",
                    permission="health.view",
                    title=_("Health"),
                ),
            )
        ),
        Group(
            (
                Entry("dns", "fleet.Server"),
                Entry("deployed_code", "fleet.Placement"),
                Entry("alt_route", "fleet.Route"),
                Entry("hub", "fleet.EdgeState"),
                Entry("verified_user", "certificates.Certificate"),
                Entry("encrypted", "fleet.Certificate"),
                Entry("approval", "certificates.AcmeAccount"),
                Entry("backup", "backups.BackupTarget"),
                Entry("public", "fleet.Region"),
                Entry("straighten", "fleet.ServerPlan"),
                Entry(
                    "upgrade",
                    page="admin:tenants_release",
                    permission="tenants.releases",
                    title=_("Release of all tenants"),
                ),
            ),
            _("Fleet"),
        ),
        Group(
            (
                Entry("sell", "billing.Plan"),
                Entry("apps", "marketplace.App"),
                Entry("package_2", "marketplace.Release"),
            ),
            _("Offer"),
        ),
        _ACCESS,
        _LOOK,
    ),
    CONSOLE: (
        Group(
            (
                _HOME,
                Entry("deployed_code", "instances.Instance"),
                Entry(
                    "apps",
                    page="admin:instances_catalogue",
                    permission="catalogue.view",
                    title=_("Catalogue"),
                ),
                Entry("checklist", "operations.Operation"),
                _DATA,
            )
        ),
        _ACCESS,
        _LOOK,
    ),
    WORKSPACE: (
        Group(
            (
                _HOME,
                Entry("groups", "subscribers.Subscriber"),
                Entry("router", "subscribers.Service"),
                Entry("sell", "billing.Plan"),
            )
        ),
        Group(
            (
                Entry(
                    "upload",
                    page="admin:subscribers_import",
                    permission="subscribers.transfer",
                    title=_("Import subscribers"),
                ),
                Entry("checklist", "operations.Operation"),
                _DATA,
            ),
            _("Work"),
        ),
        _ACCESS,
        _LOOK,
    ),
}


def sidebar(site: AdminSite, kind: str, request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of a kind as the theme draws them, without what this person may not see."""
    groups: list[dict[str, Any]] = []
    admins = {model._meta.label: (model, admin) for model, admin in site._registry.items()}
    for group in SIDEBARS[kind]:
        items = [item for entry in group.entries if (item := _item(admins, entry, request))]
        if items:
            groups.append({"title": group.title, "separator": bool(groups), "items": items})
    _mark_current(groups, request.path)
    return groups


def _item(
    admins: Mapping[str, tuple[Any, Any]], entry: Entry, request: HttpRequest
) -> dict[str, Any] | None:
    if entry.page:
        if entry.permission and not may(request.user, entry.permission):
            return None
        return _line(entry.title, entry.icon, reverse(entry.page))
    if entry.model not in admins:
        return None
    model, admin = admins[entry.model]
    if not admin.has_view_permission(request):
        return None
    title = entry.title or str(model._meta.verbose_name_plural)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return _line(title, entry.icon, url)


def _line(title: str | Promise, icon: str, link: str) -> dict[str, Any]:
    text = str(title)
    return {
        "title": text[:1].upper() + text[1:],
        "icon": icon,
        "link": link,
        "has_permission": True,
        "active": False,
    }


def _mark_current(groups: list[dict[str, Any]], path: str) -> None:
    """The line with the longest address that the page's begins with; home only on itself."""
    home = reverse("admin:index")
    if path.startswith(reverse("admin:record_export")):
        # Below the address of another page, and yet a page of the event log.
        path = reverse("admin:events_event_changelist")
    items = [item for group in groups for item in group["items"]]
    within = [item for item in items if item["link"] != home and path.startswith(item["link"])]
    if path == home:
        items[0]["active"] = True
    elif within:
        max(within, key=lambda item: len(item["link"]))["active"] = True
