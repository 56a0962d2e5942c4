"""Configuration of the contract app."""

from django.apps import AppConfig


class ContractConfig(AppConfig):
    """A workspace's side of its contract with the platform: the grant, and the usage report."""

    name = "apps.contract"
    verbose_name = "Contract"
