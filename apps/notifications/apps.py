"""Configuration of the notifications app."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """What people are told, and by which ways."""

    name = "apps.notifications"
    verbose_name = "Notifications"
