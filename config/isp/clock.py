"""The child that notices that time has passed."""

from django.core.management import call_command


def main() -> int:
    """Tick until SIGTERM."""
    call_command("clock")
    return 0
