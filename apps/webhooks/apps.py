"""Configuration of the webhooks app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """What happens is told to other programs, signed."""

    name = "apps.webhooks"
    verbose_name = "Webhooks"
