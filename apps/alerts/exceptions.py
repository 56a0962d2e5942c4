"""What can be wrong with an alert channel."""

from apps.core.exceptions import DomainError


class ChannelAddressError(DomainError):
    """An address that alerts cannot be sent to."""

    code = "alert_address"
