"""Files that may hold somebody who was erased from the record."""

from apps.events import services as events
from apps.events.erasing import ERASED
from apps.events.models import Event
from apps.transfers.record.services import forget_all_files


@events.reacts_to(ERASED)
def _forget(_event: Event) -> None:
    """All of them, without looking through them; a file that goes twice is no harm."""
    forget_all_files()
