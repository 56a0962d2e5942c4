"""The operations of this app: deploying, and the rest of an instance's life."""

from apps.instances.pipelines import deploy, erase, lifecycle

__all__ = ["deploy", "erase", "lifecycle"]
