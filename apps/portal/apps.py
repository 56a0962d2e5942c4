"""Configuration of the portal app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """The shell of the pages, and the registry of what apps add to them."""

    name = "apps.portal"
    verbose_name = "Portal"
