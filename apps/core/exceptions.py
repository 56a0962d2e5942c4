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


class IdempotencyBusyError(ConflictError):
    """A request with the same idempotency key is being answered now; ask again in a moment."""

    code = "idempotency_key_in_use"


class IdempotencyMismatchError(DomainError):
    """The idempotency key was used for another request; take a new key for a new request."""

    code = "idempotency_key_reused"
    status = 422


class PreconditionError(DomainError):
    """The resource changed since its ETag was read; read it again, then decide."""

    code = "precondition_failed"
    status = 412


class DryRunError(DomainError):
    """The request does something outside the database, so it cannot be tried without effect."""

    code = "dry_run_unsupported"
