"""What can go wrong with instances."""

from collections.abc import Iterable

from apps.core.exceptions import DomainError, QuotaError


class InvalidSettingsError(DomainError):
    """Settings that an app's manifest refuses; `problems` are pairs of path and sentence."""

    code = "invalid_environment"

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(f"{path}: {message}" for path, message in self.problems))
        errors = [{"field": path, "message": message} for path, message in self.problems]
        self.extra = {"errors": errors}


class InstanceQuotaError(QuotaError):
    """The plan has no room for another instance."""
