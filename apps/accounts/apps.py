"""Configuration of the accounts app."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users of a schema, how they sign in, and the keys of programs."""

    name = "apps.accounts"
    verbose_name = "People and access"

    def ready(self) -> None:
        """Listen to what allauth writes."""
        import_module("apps.accounts.security.receivers")
