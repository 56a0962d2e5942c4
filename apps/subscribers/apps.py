"""Configuration of the subscribers app."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    """Subscribers."""

    name = "apps.subscribers"
