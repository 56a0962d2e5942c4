"""Configuration of the operations app."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Long work in steps that survives its worker."""

    name = "apps.operations"
    verbose_name = "Operations"
