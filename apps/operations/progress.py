"""Telling those who watch that an operation has changed."""

from apps.operations.models import Operation
from apps.tenancy import live


def announce(operation: Operation) -> None:
    """Notify the web processes on commit."""
    live.announce(str(operation.uuid))
