"""Configuration of the work app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WorkConfig(AppConfig):
    """What is due in this database, who runs it, and the clock."""

    name = "apps.work"
    verbose_name = "Work"

    def ready(self) -> None:
        """Let every app register what it runs and what the clock does for it."""
        autodiscover_modules(
            "pipelines", "runner", "reactions", "hooks", "ticks", "panels", "holdings"
        )
        autodiscover_modules("metrics")
