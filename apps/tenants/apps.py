"""Configuration of the tenants app."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Tenants."""

    name = "apps.tenants"
