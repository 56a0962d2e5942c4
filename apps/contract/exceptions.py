"""Why a grant is refused."""

from apps.core.exceptions import DomainError


class GrantRefusedError(DomainError):
    """The grant is forged, for another workspace, expired, or older than the one held."""

    code = "grant_refused"
    status = 403
