"""Configuration of the contract app."""

from importlib import import_module

from django.apps import AppConfig


class ContractConfig(AppConfig):
    """A workspace's side of its contract with the platform: the grant, and the usage report."""

    name = "apps.contract"
    verbose_name = "Contract"

    def ready(self) -> None:
        """Let the API ask the grant for its limit."""
        import_module("apps.contract.limits")
