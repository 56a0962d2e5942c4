"""Configuration of the core app."""

from django.apps import AppConfig

from apps.core.labels import translate_labels


class CoreConfig(AppConfig):
    """What every other app stands on: errors, health, API manners."""

    name = "apps.core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Models are there, so their labels can be translated."""
        translate_labels()
