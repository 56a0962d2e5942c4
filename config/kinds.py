"""Which apps each kind of schema holds (docs/architecture.md, the table of apps).

The ISP role, which runs inside a dedicated workspace's containers, knows only its own: its
`public` schema holds what the whole database shares, and one workspace schema lies beside it.
"""

from typing import Any

PLATFORM, ISP = "platform", "isp"

# In every schema that has users.
_FRAMEWORK = [
    "django.contrib.contenttypes",
    "apps.accounts",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
]
_COMMON = [
    *_FRAMEWORK,
    "apps.core",
    "apps.portal",
    "apps.events",
    "apps.branding",
    "apps.notifications",
    "apps.webhooks",
    "apps.operations",
    "apps.lists",
    "apps.transfers",
]

# In `public` alone: what is asked across the schemas of one database.
_SHARED = ["apps.tenancy", "apps.work", "django_q"]

# No tables of their own: templates, commands, template tags.
LIBRARIES = [
    "django_tenants",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django_cotton",
    "django_htmx",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "channels",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.saml",
]

CONSOLE = [*_COMMON, "apps.instances"]
WORKSPACE = [*_COMMON, "apps.contract", "apps.billing", "apps.subscribers"]
OPERATOR = [
    *_SHARED,
    *_COMMON,
    "apps.alerts",
    "apps.backups",
    "apps.billing",
    "apps.fleet",
    "apps.certificates",
    "apps.tenants",
    "allauth.idp.oidc",
    "apps.idp",
    "apps.marketplace",
    "apps.doctor",
    "djstripe",
]


def tenant_types(role: str) -> dict[str, dict[str, Any]]:
    """django-tenants' TENANT_TYPES for a role; `public` is the operator's schema."""
    workspace = {"APPS": WORKSPACE, "URLCONF": "config.urls.workspace"}
    if role == ISP:
        shared = ["django.contrib.contenttypes", *_SHARED]
        return {
            "public": {"APPS": shared, "URLCONF": "config.urls.nothing"},
            "workspace": workspace,
        }
    return {
        "public": {"APPS": OPERATOR, "URLCONF": "config.urls.operator"},
        "console": {"APPS": CONSOLE, "URLCONF": "config.urls.console"},
        "workspace": workspace,
    }


def installed_apps(role: str) -> list[str]:
    """Every app of a role once; `apps.tenancy` last, since its receivers wrap the others'."""
    tables = [app for kind in tenant_types(role).values() for app in kind["APPS"]]
    ordered = list(dict.fromkeys([*LIBRARIES, *tables]))
    ordered.remove("apps.tenancy")
    return [*ordered, "apps.tenancy"]
