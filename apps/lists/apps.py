"""Configuration of the lists app."""

from django.apps import AppConfig


class ListsConfig(AppConfig):
    """What every list of the admin has: views that people keep, columns, details, an export."""

    name = "apps.lists"
    verbose_name = "Lists"
