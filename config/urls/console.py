"""Pages of the console."""

from django.urls import include, path
from django.views.generic import RedirectView

from apps.accounts import urls as accounts
from apps.accounts.manners import set_language
from apps.branding import urls as branding
from apps.instances.api import InstanceViewSet
from apps.instances.views import open_instance
from apps.marketplace.api import CatalogueViewSet
from apps.notifications import urls as notifications
from apps.operations import urls as operations
from apps.tenancy.kinds import CONSOLE
from apps.transfers.api import ExportViewSet
from config.admin import build_site
from config.api import api_urls

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("admin/", build_site(CONSOLE).urls),
    path("accounts/", include(accounts.console)),
    path("sso/", include(accounts.hand_off)),
    path("instances/<uuid:instance_id>/open/", open_instance, name="open_instance"),
    path("language/", set_language, name="set_language"),
    path("brand/", include(branding.urlpatterns)),
    path("notifications/", include(notifications.urlpatterns)),
    *operations.urlpatterns,
    *api_urls(instances=InstanceViewSet, apps=CatalogueViewSet, exports=ExportViewSet),
]
# By name, as the framework takes it.
handler500 = "apps.core.errors.broken"
