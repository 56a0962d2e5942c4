"""Configuration of the tenancy app."""

from django.apps import AppConfig

from apps.tenancy import glue


class TenancyConfig(AppConfig):
    """Tenants, their hosts and their schemas."""

    name = "apps.tenancy"
    verbose_name = "Tenancy"

    def ready(self) -> None:
        """Limit Django's global behaviour to the current kind of schema."""
        glue.install()
