"""Configuration of the ISP role's own commands."""

from django.apps import AppConfig


class IspConfig(AppConfig):
    """The release command of a dedicated workspace; no tables."""

    name = "config.isp"
    label = "isp"
