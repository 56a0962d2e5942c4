"""Configuration of the billing app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Plans and, in time, what is owed for them: of the operator, or of an ISP."""

    name = "apps.billing"
    verbose_name = "Billing"
