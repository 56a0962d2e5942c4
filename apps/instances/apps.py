"""Configuration of the instances app."""

from django.apps import AppConfig


class InstancesConfig(AppConfig):
    """Instances."""

    name = "apps.instances"
