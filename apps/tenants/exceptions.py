"""What can go wrong with organisations."""

from django.utils.translation import gettext as _

from apps.core.exceptions import ConflictError, DomainError


class SlugError(DomainError):
    """A text that cannot be an organisation's address; the message says why."""

    code = "invalid_slug"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="slug")


class SlugTakenError(ConflictError):
    """The address belongs to somebody else, or to the platform."""

    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(
            _("“%(slug)s” is taken. Choose another address.") % {"slug": slug}, field="slug"
        )
