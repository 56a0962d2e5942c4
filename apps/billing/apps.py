"""Configuration of the billing app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Billing."""

    name = "apps.billing"
