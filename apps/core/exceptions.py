"""Errors that a user or an integrator is told about."""

from typing import Any


class DomainError(Exception):
    """Something a user asked for cannot be done; the message says why and what to do."""

    code = "not_possible"
    status = 400

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.extra: dict[str, Any] = {}


class ConflictError(DomainError):
    """The state of things does not allow it now."""

    code = "conflict"
    status = 409


class NotFoundError(DomainError):
    """There is no such thing for this person."""

    code = "not_found"
    status = 404


class QuotaError(DomainError):
    """The plan or the host has no room for it."""

    code = "quota_exceeded"
    status = 409
