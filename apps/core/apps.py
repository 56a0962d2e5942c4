"""Configuration of the core app."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """What every other app stands on: errors, health, API manners."""

    name = "apps.core"
    verbose_name = "Core"
