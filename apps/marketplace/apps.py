"""Configuration of the marketplace app."""

from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """Marketplace."""

    name = "apps.marketplace"
