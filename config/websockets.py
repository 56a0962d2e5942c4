"""WebSocket routes of all kinds of schema."""

from channels.routing import URLRouter
from django.urls import path

from apps.accounts.security.channels import SecondFactorSockets
from apps.notifications.consumers import InboxConsumer
from apps.operations.consumers import OperationConsumer
from apps.tenancy.channels import SameHostOrigin, TenantMiddlewareStack

application = SameHostOrigin(
    TenantMiddlewareStack(
        SecondFactorSockets(
            URLRouter(
                [
                    path("ws/operations/<uuid:operation_id>/", OperationConsumer.as_asgi()),
                    path("ws/notifications/", InboxConsumer.as_asgi()),
                ]
            )
        )
    )
)
