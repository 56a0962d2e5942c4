"""What can go wrong with instances."""

from apps.core.exceptions import DomainError, QuotaError


class InvalidSettingsError(DomainError):
    """Settings of an app that its manifest refuses."""

    code = "invalid_environment"


class InstanceQuotaError(QuotaError):
    """The plan has no room for another instance."""
