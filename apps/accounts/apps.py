"""Configuration of the accounts app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Users of a schema, how they sign in, and the keys of programs."""

    name = "apps.accounts"
    verbose_name = "People and access"
