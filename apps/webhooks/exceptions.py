"""What can go wrong with endpoints."""

from apps.core.exceptions import ConflictError, DomainError


class EndpointAddressError(DomainError):
    """Webhooks cannot be sent to this address."""

    code = "endpoint_address"


class EndpointOffError(ConflictError):
    """The endpoint is paused or switched off; switch it on first."""

    code = "endpoint_off"
