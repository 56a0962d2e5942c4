"""Configuration of the branding app."""

from django.apps import AppConfig


class BrandingConfig(AppConfig):
    """How a level looks and in whose name it writes."""

    name = "apps.branding"
    verbose_name = "Brand"
