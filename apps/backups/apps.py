"""Configuration of the backups app."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    """Backups of the platform itself, at the operator."""

    name = "apps.backups"
    verbose_name = "Backups"
