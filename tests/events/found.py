"""What a verification finds, in few words."""

from apps.events.verifying import verify


def found() -> list[tuple[str, int | None]]:
    """Kinds and ids of what a verification finds."""
    return [(one.kind, one.event_id) for one in verify().findings]
