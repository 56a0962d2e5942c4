"""Configuration of the subscribers app."""

from django.apps import AppConfig


class SubscribersConfig(AppConfig):
    """An ISP's customers and the services they have."""

    name = "apps.subscribers"
    verbose_name = "Subscribers"
