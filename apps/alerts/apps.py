"""Configuration of the alerts app."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """What needs the operator is also told by other ways than its own mail."""

    name = "apps.alerts"
    verbose_name = "Alerts"
