"""Settings of the API and of its document."""

from typing import Any

REST: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.accounts.api.KeyAuthentication"],
    "DEFAULT_FILTER_BACKENDS": [
        "apps.core.api.filtering.Filtering",
        "apps.core.api.filtering.Ordering",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.parsing.ShallowJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.described.Description",
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.pages.CursorPages",
    "EXCEPTION_HANDLER": "apps.core.api.problems.problem_response",
    "DEFAULT_THROTTLE_CLASSES": ["apps.core.api.throttling.KeyThrottle"],
    "PAGE_SIZE": 20,
}
# Names of choices that two resources call the same.
_OF_THE_OPERATOR = {
    "BackupKindEnum": "apps.backups.models.BackupRun.Kind",
    "AlertChannelKindEnum": "apps.alerts.models.AlertChannel.Kind",
    "CertificateStatusEnum": "apps.certificates.models.Certificate.Status",
    "CertificateChallengeEnum": "apps.certificates.models.Certificate.Challenge",
    "OrganisationStatusEnum": "apps.tenants.models.Organisation.Status",
    "ClosingSideEnum": "apps.tenants.models.Organisation.Side",
    "TenantKindEnum": "apps.tenancy.models.Tenant.Kind",
    "WorkStateEnum": "apps.work.models.Due.State",
    "BackupPlaceKindEnum": "apps.backups.models.BackupTarget.Kind",
    "SsoClientWhoEnum": "apps.idp.models.RelyingParty.Who",
}


def document(*, is_platform: bool) -> dict[str, Any]:
    """Of the OpenAPI document; a stack of one ISP has none of the operator's apps."""
    return {
        "TITLE": "DotMac API",
        "VERSION": "v1",
        "SERVE_INCLUDE_SCHEMA": False,
        "SERVE_AUTHENTICATION": [],
        "SCHEMA_PATH_PREFIX": "/api/v1",
        "COMPONENT_SPLIT_REQUEST": True,
        "ENUM_NAME_OVERRIDES": {
            "IdentityProviderKindEnum": "apps.accounts.providers.models.IdentityProvider.Kind",
            "MessageStatusEnum": "apps.notifications.models.Delivery.Status",
            "OperationStatusEnum": "apps.operations.models.Operation.Status",
            "SignInPolicyWhoEnum": "apps.accounts.security.models.SignInPolicy.Who",
            "SmsMethodEnum": "apps.notifications.models.SmsGateway.Method",
            "SuspensionEnum": "apps.subscribers.models.Service.Suspension",
            "WebhookStatusEnum": "apps.webhooks.models.Endpoint.Status",
            **(_OF_THE_OPERATOR if is_platform else {}),
        },
        "POSTPROCESSING_HOOKS": [
            "drf_spectacular.hooks.postprocess_schema_enums",
            "apps.core.api.described.describe_manners",
        ],
        # The browser's assets come from our own host, never from a CDN.
        "SWAGGER_UI_DIST": "SIDECAR",
        "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    }
