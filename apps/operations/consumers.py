"""The live stream of an operation."""

from channels.db import database_sync_to_async

from apps.core.exceptions import NotFoundError
from apps.operations.access import operation_for
from apps.tenancy.consumers import NewsConsumer
from apps.tenancy.kinds import schema_of


class OperationConsumer(NewsConsumer):
    """For staff of the operation's own schema."""

    @database_sync_to_async  # type: ignore[misc]
    def topic(self) -> str | None:
        """The operation, where the person may see it."""
        operation_id = str(self.scope["url_route"]["kwargs"]["operation_id"])
        with schema_of(self.scope["schema"]):
            try:
                operation_for(self.scope["user"], operation_id)
            except NotFoundError:
                return None
        return operation_id
