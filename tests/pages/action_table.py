"""Who may do what where an address alone does not say it; beside tests/pages/role_table.py.

What deletes many rows of a list asks what the page that deletes one asks.
"""

from tests.pages.needs import NOBODY, OWNERS

# What is done to chosen rows of a list, by the list and the action.
CHOSEN: dict[str, dict[str, str]] = {
    "accounts_user": {"deactivate": "people.manage", "reactivate": "people.manage"},
    "accounts_invitation": {"send_again": "people.manage", "revoke": "people.manage"},
    "accounts_serviceaccount": {"switch_off": "keys.use", "switch_on": "keys.use"},
    "accounts_apikey": {"revoke": "keys.use"},
    "notifications_delivery": {"send_again": "messages.send"},
    "fleet_server": dict.fromkeys(("drain", "activate", "retire", "probe_now"), "fleet.change"),
    "marketplace_app": {"show": "catalogue.change", "hide": "catalogue.change"},
    "marketplace_release": {"withdraw": "catalogue.change"},
    "subscribers_subscriber": {"suspend": "subscribers.suspend", "resume": "subscribers.suspend"},
    "subscribers_service": {"suspend": "subscribers.suspend", "resume": "subscribers.suspend"},
}
# What is done at an address that names the step (`what`), by POST.
STEPS: dict[str, dict[str, str]] = {
    "admin:instances_do": {
        "deploy": "instances.deploy",
        "stop": "instances.stop",
        "start": "instances.stop",
        "suspend": "instances.suspend",
        "resume": "instances.suspend",
        "archive": "instances.archive",
    },
    "admin:subscribers_do": {
        "invite": "subscribers.change",
        "archive": "subscribers.end",
        "restore": "subscribers.change",
    },
    "admin:subscribers_do_service": {
        "activate": "subscribers.change",
        "order": "subscribers.change",
        "suspend": "subscribers.suspend",
        "resume": "subscribers.suspend",
        "terminate": "subscribers.end",
    },
    "admin:webhooks_endpoint_do": dict.fromkeys(
        ("test", "pause", "resume", "replay", "rotate"), "webhooks.manage"
    ),
    "admin:work_due_steer": {"cancel": "work.retry", "retry": "work.retry"},
}
# What the API does by other methods than GET and POST, as (PATCH, DELETE) and, where it is, PUT.
WRITES: dict[str, tuple[str, ...]] = {
    "user-detail": ("people.manage", NOBODY),
    "role-detail": ("roles.manage", "roles.manage"),
    "serviceaccount-detail": ("keys.use", NOBODY),
    "suppressed-detail": (NOBODY, "suppressions.manage"),
    "endpoint-detail": ("webhooks.manage", "webhooks.manage"),
    "alertchannel-detail": (OWNERS, OWNERS),
    "brand": ("brand.change", NOBODY),
    "brand_api_logo": (NOBODY, "brand.change", "brand.change"),
    "brand_api_logo_dark": (NOBODY, "brand.change", "brand.change"),
    "identityprovider-detail": (OWNERS, OWNERS),
    "relyingparty-detail": ("sso.manage", "sso.manage"),
    "sign_in_policy": (OWNERS, NOBODY),
    "sms_gateway": ("sms.manage", NOBODY),
    "sender": (OWNERS, NOBODY),
    "acme_account": (OWNERS, NOBODY),
    "backup_target": (OWNERS, NOBODY),
    "formerplace-detail": (NOBODY, OWNERS),
    "person_preferences": ("people.manage", NOBODY),
    "plan-detail": ("plans.change", NOBODY),
    "organisation-detail": (OWNERS, NOBODY),
    "region-detail": ("fleet.change", NOBODY),
    "serverplan-detail": ("fleet.change", NOBODY),
    "server-detail": ("fleet.change", NOBODY),
    "app-detail": ("catalogue.change", NOBODY),
    "instance-detail": ("instances.deploy", NOBODY),
    "instance-environment": ("instances.deploy", NOBODY),
    "subscriber-detail": ("subscribers.change", NOBODY),
    "service-detail": ("subscribers.change", NOBODY),
}
