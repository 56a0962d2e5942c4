"""The child that runs operations: a django-q2 cluster."""

from apps.work.cluster import run as main

__all__ = ["main"]
