"""Configuration of the idp app."""

from django.apps import AppConfig


class IdpConfig(AppConfig):
    """The operator level as OpenID provider for other tools."""

    name = "apps.idp"
    label = "idp"
    verbose_name = "Single sign-on"
