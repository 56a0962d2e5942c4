"""People, roles, invitations and programs in the admin of every kind."""

from django.contrib.admin import AdminSite

from apps.accounts import invitation_admin as invitations
from apps.accounts import people_admin as people
from apps.accounts import programs_admin as programs
from apps.accounts.keys_admin import ApiKeyAdmin
from apps.accounts.models import ApiKey
from apps.accounts.providers import admin as providers
from apps.accounts.security import admin as security


def register(site: AdminSite, kind: str) -> None:
    """People and programs are in every kind."""
    people.register(site)
    invitations.register(site)
    programs.register(site)
    site.register(ApiKey, ApiKeyAdmin)
    security.register(site)
    providers.register(site, kind)
