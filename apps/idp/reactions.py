"""What becomes of tokens when their person is switched off, signed out or has another password."""

from apps.events import services as events
from apps.events.models import Event
from apps.idp.services import revoke_all
from apps.tenancy.kinds import PUBLIC, current_schema, kind_of


@events.reacts_to(
    "user.deactivated", "user.password_changed", "user.factor_removed", "user.sessions_ended"
)
def _end_tokens(event: Event) -> None:
    """Only the operator's people have any. Until then each use asks whether they are active."""
    if kind_of(current_schema()) == PUBLIC and event.subject_type == "user":
        revoke_all(event.subject_id)
