"""Pages of the operator."""

from django.urls import include, path

from apps.accounts import urls as accounts
from apps.core import views as core
from apps.operations import urls as operations
from apps.tenancy.kinds import PUBLIC
from apps.tenants import urls as tenants
from config.admin import build_site
from config.api import api_urls

urlpatterns = [
    *tenants.operator,
    path("admin/", build_site(PUBLIC).urls),
    path("signup/", include(tenants.sign_up)),
    path("organisations/", include(tenants.organisations)),
    path("accounts/", include(accounts.operator)),
    path("dev/mail/", core.mail_list, name="mailbox"),
    path("dev/mail/<str:message_id>/", core.mail_detail, name="mail"),
    *operations.urlpatterns,
    *api_urls(),
]
