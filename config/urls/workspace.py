"""Pages of the workspace."""

from django.urls import include, path

from apps.accounts import urls as accounts
from apps.accounts.manners import set_language
from apps.accounts.providers.api import IdentityProviderViewSet
from apps.billing.api import PlanViewSet
from apps.branding import urls as branding
from apps.contract import views as contract
from apps.notifications import urls as notifications
from apps.operations import urls as operations
from apps.portal import views as portal
from apps.subscribers import views as subscribers
from apps.subscribers.api.imports import ImportViewSet
from apps.subscribers.api.services import ServiceViewSet
from apps.subscribers.api.subscribers import SubscriberViewSet
from apps.tenancy.kinds import WORKSPACE
from apps.transfers.api import ExportViewSet
from config.admin import build_site
from config.api import api_urls

urlpatterns = [
    path("", portal.home, name="portal_home"),
    path("services/", portal.services, name="portal_services"),
    path("account/", subscribers.account, name="portal_account"),
    path("accounts/", include(accounts.workspace)),
    path("sso/", include(accounts.hand_off)),
    path("admin/", build_site(WORKSPACE).urls),
    path("_dotmac/grant/", contract.grant, name="grant"),
    path("language/", set_language, name="set_language"),
    path("brand/", include(branding.urlpatterns)),
    path("notifications/", include(notifications.urlpatterns)),
    *operations.urlpatterns,
    *api_urls(
        subscribers=SubscriberViewSet,
        services=ServiceViewSet,
        plans=PlanViewSet,
        imports=ImportViewSet,
        exports=ExportViewSet,
        identity_providers=IdentityProviderViewSet,
    ),
]
# By name, as the framework takes it.
handler500 = "apps.core.errors.broken"
