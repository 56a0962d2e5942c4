"""Configuration of the transfers app."""

from django.apps import AppConfig


class TransfersConfig(AppConfig):
    """A tenant's data as a file, for those who may take it along; no tables of its own."""

    name = "apps.transfers"
