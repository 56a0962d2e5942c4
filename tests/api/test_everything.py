"""Whatever has a page has a resource: told from the admin sites and the addresses of each kind.

What programs cannot do is named here with its reason.
"""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.urls import URLPattern, URLResolver, get_resolver

from tests.pages.needs import NOBODY
from tests.pages.role_table import NEEDS
from tests.pages.test_every_action import site_of
from tests.pages.test_every_address import HOSTS, name_of

# Models by the one whose resource shows them.
SHOWN_AS = {"doctor.Checkup": "doctor.CheckState"}
# What pages and their buttons do, by the address of the API that does it.
DONE_AT = {
    "admin:accounts_security_people": "user-all-second-factors",
    "admin:accounts_security_reset": "user-reset-second-factors",
    "admin:branding_sender_domain": "sender_domain",
    "admin:branding_sender_test": "sender_test",
    "admin:events_erase": "event-erase",
    "admin:idp_relyingparty_rotate": "relyingparty-rotate",
    "admin:notifications_smsgateway_test": "sms_gateway_test",
    "admin:accounts_apikey_rotate": "apikey-rotate",
    "admin:accounts_user_own_data": "user-personal-data",
    "admin:accounts_user_personal": "user-erase",
    "admin:accounts_user_personal_file": "user-personal-data",
    "admin:accounts_user_sessions_end": "user-end-sessions",
    "admin:alerts_alertchannel_test": "alertchannel-test",
    "admin:backups_backuptarget_emptied": "formerplace-detail",
    "admin:backups_backuptarget_now": "backuprun-list",
    "admin:billing_plan_new_version": "plan-versions",
    "admin:billing_plan_version": "plan-versions",
    "admin:certificates_certificate_renew": "certificate-renew",
    "admin:certificates_certificate_revoke": "certificate-revoke",
    "admin:doctor_checkup_health": "checkstate-list",
    "admin:doctor_health": "checkstate-run",
    "admin:events_event_beside": "event-list",
    "admin:events_export_csv": "event-list",
    "admin:events_export_lines": "event-list",
    "admin:events_verify": "verification-list",
    "admin:fleet_server_lose": "server-lose",
    "admin:fleet_server_lost": "server-lose",
    "admin:instances_catalogue": "app-list",
    "admin:instances_do": "instance-stop",
    "admin:instances_environment": "instance-environment",
    "admin:instances_install": "instance-list",
    "admin:instances_instance_choose_app": "app-list",
    "admin:instances_settings": "instance-detail",
    "admin:notifications_delivery_beside": "message-detail",
    "admin:subscribers_add_service": "service-list",
    "admin:subscribers_do": "subscriber-archive",
    "admin:subscribers_do_service": "service-activate",
    "admin:subscribers_errors": "subscriberimport-errors",
    "admin:subscribers_export": "subscriber-list",
    "admin:subscribers_import": "subscriberimport-list",
    "admin:subscribers_import_result": "subscriberimport-detail",
    "admin:subscribers_personal": "subscriber-erase",
    "admin:subscribers_personal_file": "subscriber-personal-data",
    "admin:subscribers_subscriber_bring": "subscriberimport-list",
    "admin:subscribers_subscriber_take": "subscriber-list",
    "admin:tenancy_failedmigration_release": "failedmigration-release",
    "admin:tenants_erasure_after_restore": "erasure-again",
    "admin:tenants_erasure_again": "erasure-again",
    "admin:tenants_erasure_certificate": "erasure-certificate",
    "admin:tenants_erasure_print": "erasure-detail",
    "admin:tenants_organisation_adopt": "tenant-adopt",
    "admin:tenants_organisation_adopt_imported": "tenant-list",
    "admin:tenants_organisation_close_or_reopen": "organisation-reopen",
    "admin:tenants_organisation_closing": "organisation-close",
    "admin:tenants_organisation_export": "organisation_export-list",
    "admin:tenants_organisation_export_data": "organisation_export-list",
    "admin:tenants_release": "failedmigration-migrate",
    "admin:webhooks_delivery_beside": "delivery-detail",
    "admin:webhooks_delivery_replay": "delivery-replay",
    "admin:webhooks_endpoint_do": "endpoint-test",
    "admin:work_due_steer": "due-cancel",
    "admin:work_due_steps": "due-detail",
    "accounts_user deactivate": "user-deactivate",
    "accounts_user reactivate": "user-reactivate",
    "accounts_invitation revoke": "invitation-revoke",
    "accounts_invitation send_again": "invitation-send",
    "accounts_serviceaccount switch_off": "serviceaccount-deactivate",
    "accounts_serviceaccount switch_on": "serviceaccount-activate",
    "accounts_apikey revoke": "apikey-revoke",
    "fleet_server activate": "server-activate",
    "fleet_server drain": "server-drain",
    "fleet_server retire": "server-retire",
    "marketplace_app hide": "app-hide",
    "marketplace_app show": "app-show",
    "marketplace_release withdraw": "release-withdraw",
    "notifications_delivery send_again": "message-send",
    "subscribers_service resume": "service-resume",
    "subscribers_service suspend": "service-suspend",
    "subscribers_subscriber resume": "service-resume",
    "subscribers_subscriber suspend": "service-suspend",
}
_ASKS = "asks another machine while somebody waits to see what it says"
_PERSON = "a person does it, who proves who they are"
FOR_PEOPLE = {
    "admin:backups_backuptarget_kit": _PERSON,
    "admin:backups_backuptarget_try": _ASKS,
    "admin:branding_preview": "a picture of a page",
    "admin:certificates_acmeaccount_check": _ASKS,
    "admin:instances_deployments": "its operations are a resource",
    "admin:notifications_suppressed_renew": "an address that is entered at a mail server by hand",
    "admin:subscribers_import_example": "a list for people to fill in",
    "admin:tenants_organisation_enter_as_support": _PERSON,
    "admin:tenants_organisation_import": "a file of gigabytes, which a command takes too",
    "admin:tenants_organisation_support": _PERSON,
    "fleet_server probe_now": "every server is asked each ten seconds",
}
_PLAIN = ("changelist", "add", "change", "delete", "history")


def key_of(model: Any) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"


def below(patterns: list[Any], space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in patterns:
        if isinstance(one, URLResolver):
            inner = ":".join(filter(None, [space, one.namespace]))
            yield from below(one.url_patterns, inner)
        else:
            yield name_of(one, space), one


@cache
def addresses(kind: str) -> dict[str, URLPattern]:
    return dict(below(get_resolver(f"config.urls.{kind}").url_patterns))


@cache
def does(kind: str) -> dict[str, set[str]]:
    """What programs can do of each model, by its label."""
    found: dict[str, set[str]] = defaultdict(set)
    for pattern in addresses(kind).values():
        view = getattr(pattern.callback, "cls", getattr(pattern.callback, "view_class", None))
        rows, shown = getattr(view, "queryset", None), getattr(view, "serializer_class", None)
        of_one = getattr(getattr(shown, "Meta", None), "model", None)
        model = rows.model if rows is not None else of_one
        if model is not None:
            found[model._meta.label] |= set(dir(view))
    return found


def buttons(site: AdminSite) -> set[str]:
    """Actions of lists, and addresses beside those that every admin of rows has."""
    found = set()
    for model, admin in site._registry.items():
        found |= {f"{key_of(model)} {name}" for name in admin.actions or ()}
        names = [one.name for one in admin.get_urls() if one.name]
        plain = {f"{key_of(model)}_{what}" for what in _PLAIN}
        found |= {f"admin:{name}" for name in names if name not in plain}
    return found


@pytest.mark.parametrize("kind", HOSTS)
def test_what_has_a_page_has_a_resource_that_does_as_much(kind: str) -> None:
    wrong = []
    for model in site_of(kind)._registry:
        label = SHOWN_AS.get(model._meta.label, model._meta.label)
        can, name = does(kind)[label], f"admin:{key_of(model)}"
        if not can & {"list", "get"}:
            wrong.append((label, "is not there"))
        if NEEDS.get(f"{name}_add", (NOBODY, NOBODY))[1] == NOBODY:
            continue
        # Where rows are added, what else is done to them is told by their pages.
        pages = {"create": "add", "partial_update": "change", "destroy": "delete"}
        for method, page in pages.items():
            if NEEDS[f"{name}_{page}"][1] != NOBODY and method not in can:
                wrong.append((label, method))
    assert wrong == []


@pytest.mark.parametrize("kind", HOSTS)
def test_what_pages_do_programs_do(kind: str) -> None:
    found = buttons(site_of(kind))
    assert found - DONE_AT.keys() - FOR_PEOPLE.keys() == set()
    there = addresses(kind).keys()
    assert [one for one in found & DONE_AT.keys() if DONE_AT[one] not in there] == []


def test_the_tables_have_no_dead_entries() -> None:
    sites = [site_of(kind) for kind in HOSTS]
    assert DONE_AT.keys() | FOR_PEOPLE.keys() <= {one for site in sites for one in buttons(site)}
    labels = {model._meta.label for site in sites for model in site._registry}
    assert SHOWN_AS.keys() <= labels
