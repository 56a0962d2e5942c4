"""Configuration of the fleet app."""

from django.apps import AppConfig


class FleetConfig(AppConfig):
    """Fleet."""

    name = "apps.fleet"
