"""What goes with a schema of its log, and what of it was under way."""

from django.utils.translation import gettext_noop

from apps.events.models import Verification
from apps.events.moving import pack_mark, unpack_mark
from apps.events.verifications import fail
from apps.tenancy.transfer.registry import Arrival, Luggage, brings, when_arrived
from apps.work.words import words

brings("events.mark", Luggage(pack_mark, unpack_mark))


@when_arrived("events")
def _verifications(_arrival: Arrival) -> None:
    """One that is open would keep away all others, and its worker is elsewhere."""
    for row in Verification.objects.filter(state=Verification.State.OPEN):
        fail(
            row,
            words(
                gettext_noop(
                    "It was under way where this came from. Start it again if it is wanted here."
                )
            ),
        )
