"""Configuration of the core app."""

from django.apps import AppConfig

from apps.core.labels import translate_labels
from apps.core.telemetry import queries
from dotmac.telemetry import processes


class CoreConfig(AppConfig):
    """What every other app stands on: errors, health, API manners."""

    name = "apps.core"
    verbose_name = "Core"

    def ready(self) -> None:
        """Models are there, so their labels can be translated; and from now on it is counted."""
        translate_labels()
        queries.watch()
        processes.watch_garbage()
