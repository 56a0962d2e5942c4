"""Configuration of the doctor app."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class DoctorConfig(AppConfig):
    """Whether the platform is well: its checks, and what becomes of what they find."""

    name = "apps.doctor"
    verbose_name = "Health"

    def ready(self) -> None:
        """Let every app register what it looks at (apps.core.health)."""
        autodiscover_modules("checkups")
