"""Pages of the operator."""

from django.apps import apps
from django.urls import include, path

from apps.accounts import urls as accounts
from apps.accounts.manners import set_language
from apps.accounts.providers.api import IdentityProviderViewSet
from apps.alerts.api import AlertChannelViewSet, AlertDeliveryViewSet
from apps.backups.api import BackupViewSet
from apps.backups.target_api import BackupTargetView, FormerPlaceViewSet
from apps.billing.api import PlanViewSet
from apps.branding import samples
from apps.branding import urls as branding
from apps.certificates.account_api import AcmeAccountView
from apps.certificates.api import CertificateViewSet
from apps.core import views as core
from apps.doctor.api import CheckViewSet
from apps.fleet.api import PlacementViewSet, ServerViewSet
from apps.fleet.edge_api import EdgeViewSet, RouteViewSet, ServedCertificateViewSet
from apps.fleet.records_api import RegionViewSet, ServerPlanViewSet
from apps.idp import urls as idp
from apps.idp.api import SsoClientViewSet
from apps.marketplace.api import AppViewSet, ReleaseViewSet
from apps.notifications import urls as notifications
from apps.operations import urls as operations
from apps.operations.work_api import WorkViewSet
from apps.tenancy.kinds import PUBLIC
from apps.tenants import urls as tenants
from apps.tenants.adopting_api import ImportedViewSet
from apps.tenants.api import OrganisationViewSet, VisitViewSet
from apps.tenants.erasing.api import ErasureViewSet
from apps.tenants.exports_api import TenantExportViewSet
from apps.tenants.releases_api import FailedMigrationViewSet
from config.admin import build_site
from config.api import api_urls

urlpatterns = [
    *tenants.operator,
    *idp.urlpatterns,
    path("admin/", build_site(PUBLIC).urls),
    path("signup/", include(tenants.sign_up)),
    path("organisations/", include(tenants.organisations)),
    path("accounts/", include(accounts.operator)),
    path("dev/mail/", core.mail_list, name="mailbox"),
    path("dev/mail/samples/", samples.index, name="mail_samples"),
    path("dev/mail/samples/<int:number>/<slug:scheme>/", samples.show, name="mail_sample"),
    path("dev/mail/<str:message_id>/", core.mail_detail, name="mail"),
    path("dev/mail/<str:message_id>/html/", core.mail_html, name="mail_html"),
    path("language/", set_language, name="set_language"),
    path("brand/", include(branding.urlpatterns)),
    *([path("dev/ui/", include("dev.ui_gallery"))] if apps.is_installed("dev") else []),
    path("notifications/", include(notifications.urlpatterns)),
    *operations.urlpatterns,
    *api_urls(
        path("acme-account/", AcmeAccountView.as_view(), name="acme_account"),
        path("backup-target/", BackupTargetView.as_view(), name="backup_target"),
        alert_channels=AlertChannelViewSet,
        alert_deliveries=AlertDeliveryViewSet,
        backups=BackupViewSet,
        former_backup_places=FormerPlaceViewSet,
        certificates=CertificateViewSet,
        health_checks=CheckViewSet,
        identity_providers=IdentityProviderViewSet,
        sso_clients=SsoClientViewSet,
        plans=PlanViewSet,
        organisations=OrganisationViewSet,
        support_visits=VisitViewSet,
        organisation_exports=TenantExportViewSet,
        imported_tenants=ImportedViewSet,
        failed_migrations=FailedMigrationViewSet,
        erasures=ErasureViewSet,
        work=WorkViewSet,
        regions=RegionViewSet,
        server_plans=ServerPlanViewSet,
        servers=ServerViewSet,
        placements=PlacementViewSet,
        routes=RouteViewSet,
        served_certificates=ServedCertificateViewSet,
        edges=EdgeViewSet,
        apps=AppViewSet,
        releases=ReleaseViewSet,
    ),
]
# By name, as the framework takes it.
handler500 = "apps.core.errors.broken"
