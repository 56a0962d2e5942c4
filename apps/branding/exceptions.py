"""What can be wrong with a brand."""

from apps.core.exceptions import DomainError


class PictureError(DomainError):
    """A picture that is not taken, with the reason."""
