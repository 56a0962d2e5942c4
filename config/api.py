"""The API's addresses, composed for each kind of schema."""

from typing import Any

from django.http import Http404
from django.urls import URLPattern, include, path, re_path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView

from apps.accounts.brand_api import BrandView, LogoView, SenderDomainView, SenderView
from apps.accounts.deleted import DeletedViewSet
from apps.accounts.happened import EventViewSet
from apps.accounts.people import MeView, PersonViewSet
from apps.accounts.programs_api import KeyViewSet, ServiceAccountViewSet
from apps.accounts.resources import Resource
from apps.accounts.roles_api import InvitationViewSet, RoleViewSet
from apps.accounts.security.api import SignInPolicyView
from apps.accounts.verifications_api import VerificationViewSet
from apps.core.api.document import DocumentView
from apps.core.views import api_errors
from apps.notifications.api import MessageViewSet, SuppressedViewSet
from apps.notifications.gateway_api import SenderTestView, SmsGatewayView, SmsTestView
from apps.notifications.preferences_api import PreferencesView
from apps.operations.api import OperationViewSet
from apps.webhooks.api import DeliveryViewSet, EndpointViewSet


class NoSuchResource(APIView):
    """Every other address below /api/, so that programs are told in their own form."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(exclude=True)
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse whatever the method."""
        raise Http404


# Where two resources are of models with one name.
_BASENAMES = {
    "messages": "message",
    "exports": "export",
    "organisation_exports": "organisation_export",
    "served_certificates": "served_certificate",
}


def api_urls(*single: URLPattern, **resources: type[Resource]) -> list[object]:
    """`/api/v1/` with what each kind has and the kind's own, its document, browser and codes.

    `single` are addresses below it, of what a kind has one of.
    """
    router = DefaultRouter(use_regex_path=False)
    router.include_root_view = False
    router.include_format_suffixes = False
    common: dict[str, type[Resource]] = {
        "operations": OperationViewSet,
        "people": PersonViewSet,
        "roles": RoleViewSet,
        "invitations": InvitationViewSet,
        "service_accounts": ServiceAccountViewSet,
        "api_keys": KeyViewSet,
        "messages": MessageViewSet,
        "suppressions": SuppressedViewSet,
        "deleted": DeletedViewSet,
        "events": EventViewSet,
        "verifications": VerificationViewSet,
        "webhooks": EndpointViewSet,
        "webhook_deliveries": DeliveryViewSet,
    }
    named = {**common, **resources}
    for name, viewset in named.items():
        DeletedViewSet.followed[name.replace("_", "-")] = viewset
        router.register(name.replace("_", "-"), viewset, basename=_BASENAMES.get(name))
    described = [
        path("api/v1/", include(router.urls)),
        path("api/v1/me/", MeView.as_view(), name="me"),
        path(
            "api/v1/people/<uuid:uuid>/preferences/",
            PreferencesView.as_view(),
            name="person_preferences",
        ),
        path("api/v1/brand/", BrandView.as_view(), name="brand"),
        path("api/v1/brand/logo/", LogoView.as_view(), name="brand_api_logo"),
        path(
            "api/v1/brand/logo-dark/",
            LogoView.as_view(which="logo_dark"),
            name="brand_api_logo_dark",
        ),
        path("api/v1/sender/", SenderView.as_view(), name="sender"),
        path("api/v1/sender/domain/", SenderDomainView.as_view(), name="sender_domain"),
        path("api/v1/sender/test/", SenderTestView.as_view(), name="sender_test"),
        path("api/v1/sign-in-policy/", SignInPolicyView.as_view(), name="sign_in_policy"),
        path("api/v1/sms-gateway/", SmsGatewayView.as_view(), name="sms_gateway"),
        path("api/v1/sms-gateway/test/", SmsTestView.as_view(), name="sms_gateway_test"),
        path("api/v1/", include(list(single))),
    ]
    # Given its addresses: by itself it would describe ROOT_URLCONF, which is no kind's.
    document = DocumentView.as_view(patterns=described, made={})
    browser = SpectacularSwaggerSplitView.as_view(url_name="schema")
    return [
        *described,
        path("api/v1/openapi.json", document, name="schema"),
        path("api/docs/", browser, name="api_docs"),
        path("api/docs/errors/", api_errors, name="api_errors"),
        re_path(r"^api/(?:.*/)?$", NoSuchResource.as_view(), name="no_such_resource"),
    ]
