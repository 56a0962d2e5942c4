"""What can go wrong with plans."""

from apps.core.exceptions import ConflictError, DomainError, NotFoundError


class EntitlementError(DomainError):
    """An entitlement that no plan can have; `field` is its name."""

    code = "invalid_entitlement"


class PublishedError(ConflictError):
    """A version of a plan that somebody may have bought cannot be changed."""

    code = "version_published"


class PlanNotFoundError(NotFoundError):
    """There is no such plan or version here."""

    code = "plan_not_found"
