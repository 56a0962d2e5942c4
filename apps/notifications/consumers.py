"""The live stream of a person's inbox."""

from apps.accounts.models import User
from apps.notifications.services import topic_of
from apps.tenancy.consumers import NewsConsumer


class InboxConsumer(NewsConsumer):
    """Each person watches their own."""

    async def topic(self) -> str | None:
        """Theirs; None for nobody."""
        user = self.scope["user"]
        return topic_of(user) if isinstance(user, User) and user.is_active else None
