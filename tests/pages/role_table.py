"""Who gets where: the one table of every page and endpoint, and of what each built-in role holds.

Written by hand, apart from what the apps declare, so that each of the two checks the other.
"""

# Whoever is signed in, or how it is asked decides: the page's own tests say who gets what.
ANYBODY = ""
# Not even owners, by this method or at all.
NOBODY = "-"
OWNERS = "owner"

_VIEWING = {
    "instances.view",
    "operations.view",
    "catalogue.view",
    "subscribers.view",
    "plans.view",
    "organisations.view",
}
_FLEET = {"fleet.view", "work.view"}
_HANDS = {"operations.steer", "instances.install", "instances.deploy", "instances.stop"}
HOLDS: dict[str, set[str]] = {
    "viewer": _VIEWING | _FLEET,
    "support": {
        *_VIEWING,
        *_FLEET,
        "subscribers.change",
        "subscribers.suspend",
        "subscribers.end",
    },
    "billing": {*_VIEWING, "plans.change", "subscribers.suspend"},
    "technician": {
        *_VIEWING,
        *_FLEET,
        *_HANDS,
        "fleet.change",
        "work.retry",
        "catalogue.change",
        "subscribers.change",
        "keys.use",
    },
}
HOLDS["admin"] = set().union(*HOLDS.values()) | {
    "people.view",
    "people.manage",
    "roles.manage",
    "record.view",
    "instances.suspend",
    "instances.archive",
    "subscribers.transfer",
}

# (by GET, by POST)
Needs = dict[str, tuple[str, str]]


def rows(name: str, view: str, add: str = NOBODY, change: str = NOBODY, end: str = NOBODY) -> Needs:
    """The pages that an admin of rows has."""
    return {
        f"admin:{name}_changelist": (view, view),
        f"admin:{name}_history": (view, view),
        f"admin:{name}_add": (add, add),
        f"admin:{name}_change": (view, change),
        f"admin:{name}_delete": (end, end),
    }


def same(key: str, *names: str) -> Needs:
    """Pages that ask for one permission by either method."""
    return dict.fromkeys(names, (key, key))


NEEDS: Needs = {
    **rows("accounts_user", "people.view", "people.manage", "people.manage"),
    **rows("accounts_invitation", "people.view", "people.manage"),
    **rows("accounts_role", "people.view", *["roles.manage"] * 3),
    **rows("accounts_apikey", "keys.use", "keys.use"),
    **rows("accounts_identityprovider", *[OWNERS] * 4),
    **same(
        OWNERS,
        "admin:accounts_signinpolicy_changelist",
        "admin:accounts_security_people",
        "admin:accounts_security_reset",
    ),
    **rows("events_event", "record.view"),
    **rows("work_due", "work.view", change="work.view"),
    "admin:work_due_steps": ("work.view", "work.view"),
    "admin:work_due_steer": (NOBODY, "work.retry"),
    **rows("operations_operation", "operations.view", change="operations.view"),
    "operation": ("operations.view", "operations.view"),
    "operation_steps": ("operations.view", "operations.view"),
    "operation_cancel": (NOBODY, "operations.steer"),
    "operation_retry": (NOBODY, "operations.steer"),
    "operation-list": ("operations.view", NOBODY),
    "operation-detail": ("operations.view", NOBODY),
    "operation-cancel": (NOBODY, "operations.steer"),
    "operation-retry": (NOBODY, "operations.steer"),
    "user-list": ("people.view", "people.manage"),
    "user-detail": ("people.view", NOBODY),
    "user-deactivate": (NOBODY, "people.manage"),
    "user-reactivate": (NOBODY, "people.manage"),
    "user-role": (NOBODY, "people.manage"),
    **rows("billing_plan", "plans.view", "plans.change", "plans.change"),
    "admin:billing_plan_version": ("plans.change", "plans.change"),
    "admin:billing_plan_new_version": ("plans.change", "plans.change"),
    "plan-list": ("plans.view", "plans.change"),
    "plan-detail": ("plans.view", NOBODY),
    "plan-versions": ("plans.view", "plans.change"),
    **rows("fleet_region", "fleet.view", "fleet.change", "fleet.change"),
    **rows("fleet_serverplan", "fleet.view", "fleet.change", "fleet.change"),
    **rows("fleet_server", "fleet.view", "fleet.change", "fleet.change"),
    **rows("fleet_placement", "fleet.view"),
    **rows("fleet_route", "fleet.view"),
    **rows("fleet_certificate", "fleet.view"),
    **rows("fleet_edgestate", "fleet.view"),
    "region-list": ("fleet.view", NOBODY),
    "region-detail": ("fleet.view", NOBODY),
    "serverplan-list": ("fleet.view", NOBODY),
    "serverplan-detail": ("fleet.view", NOBODY),
    "server-list": ("fleet.view", NOBODY),
    "server-detail": ("fleet.view", NOBODY),
    "server-activate": (NOBODY, "fleet.change"),
    "server-drain": (NOBODY, "fleet.change"),
    "server-retire": (NOBODY, "fleet.change"),
    "placement-list": ("fleet.view", NOBODY),
    "placement-detail": ("fleet.view", NOBODY),
    "route-list": ("fleet.view", NOBODY),
    **rows("tenants_organisation", "organisations.view"),
    "organisation-list": ("organisations.view", NOBODY),
    "organisation-detail": ("organisations.view", NOBODY),
    **rows("marketplace_app", "catalogue.view"),
    **rows("marketplace_release", "catalogue.view"),
    "app-list": ("catalogue.view", NOBODY),
    "app-detail": ("catalogue.view", NOBODY),
    "release-list": ("catalogue.view", NOBODY),
    **rows("instances_instance", "instances.view", change="instances.view"),
    **same(
        "instances.view",
        "admin:instances_deployments",
        "admin:instances_settings",
        "open_instance",
    ),
    # What is posted invalid is shown again, so that the row's view decides.
    "admin:instances_environment": ("instances.view", "instances.view"),
    "admin:instances_catalogue": ("catalogue.view", "catalogue.view"),
    "admin:instances_install": ("instances.install", "instances.install"),
    "admin:instances_instance_choose_app": ("instances.install", "instances.install"),
    # With “stop” for the action.
    "admin:instances_do": (NOBODY, "instances.stop"),
    "instance-list": ("instances.view", "instances.install"),
    "instance-detail": ("instances.view", NOBODY),
    "instance-deploy": (NOBODY, "instances.deploy"),
    "instance-stop": (NOBODY, "instances.stop"),
    "instance-start": (NOBODY, "instances.stop"),
    "instance-suspend": (NOBODY, "instances.suspend"),
    "instance-resume": (NOBODY, "instances.suspend"),
    "instance-archive": (NOBODY, "instances.archive"),
    **rows("subscribers_subscriber", "subscribers.view", "subscribers.change", "subscribers.view"),
    **rows("subscribers_service", "subscribers.view", change="subscribers.view"),
    "admin:subscribers_do": (NOBODY, "subscribers.change"),
    "admin:subscribers_do_service": (NOBODY, "subscribers.change"),
    "admin:subscribers_add_service": ("subscribers.change", "subscribers.change"),
    **same(
        "subscribers.transfer",
        "admin:subscribers_import",
        "admin:subscribers_import_example",
        "admin:subscribers_import_result",
        "admin:subscribers_errors",
        "admin:subscribers_export",
        "admin:subscribers_subscriber_bring",
        "admin:subscribers_subscriber_take",
    ),
    "subscriber-list": ("subscribers.view", "subscribers.change"),
    "subscriber-bulk": (NOBODY, "subscribers.change"),
    "subscriber-detail": ("subscribers.view", NOBODY),
    "subscriber-archive": (NOBODY, "subscribers.end"),
    "subscriber-restore": (NOBODY, "subscribers.change"),
    "subscriber-invite": (NOBODY, "subscribers.change"),
    "service-list": ("subscribers.view", "subscribers.change"),
    "service-detail": ("subscribers.view", NOBODY),
    "service-activate": (NOBODY, "subscribers.change"),
    "service-order": (NOBODY, "subscribers.change"),
    "service-resume": (NOBODY, "subscribers.suspend"),
    "service-suspend": (NOBODY, "subscribers.suspend"),
    "service-terminate": (NOBODY, "subscribers.end"),
    "tombstone-list": ("subscribers.view", NOBODY),
    # One's own, and what shows each only what they may see.
    **same(
        ANYBODY,
        "me",
        "organisations",
        "organisations_open",
        "organisation_owner",
        "account_change_password",
        "account_security",
        "account_second_factor",
        "account_session_end",
        "account_sessions_end",
        "account_reauthenticate",
        "account_disconnect",
        "mfa_index",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "mfa_login_webauthn",
        "mfa_reauthenticate_webauthn",
        "mfa_edit_webauthn",
        "mfa_remove_webauthn",
        "portal_home",
        "portal_services",
        "portal_account",
        "sso_authorize",
        "admin:index",
        "admin:search",
        "admin:app_list",
        "admin:autocomplete",
        "admin:view_on_site",
        "admin:password_change",
        "admin:password_change_done",
        "admin:list_export",
        "admin:list_save_view",
        "admin:list_remove_view",
        # On to the page of a row, and to an address with its slash.
        "admin:django.views.generic.base.View.as_view.<locals>.view",
        "admin:django.contrib.admin.sites.AdminSite.catch_all_view",
    ),
}
