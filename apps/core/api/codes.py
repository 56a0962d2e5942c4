"""The codes of problems, read from the classes of the errors themselves."""

from collections.abc import Iterator
from dataclasses import dataclass
from inspect import getdoc

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.exceptions import DomainError


@dataclass(frozen=True)
class ProblemCode:
    """A code, the status that it comes with, and what it means."""

    code: str
    status: int
    meaning: str | Promise


# Those that are no class of ours: the framework's, and refusals before any of it is asked.
_OTHERS = (
    ProblemCode("invalid", 400, _("Some values cannot be accepted; `errors` names each.")),
    ProblemCode("parse_error", 400, _("The body is not valid JSON.")),
    ProblemCode("not_authenticated", 401, _("The request has no API key.")),
    ProblemCode(
        "invalid_key", 401, _("The API key is mistyped, revoked, expired, or of another host.")
    ),
    ProblemCode("permission_denied", 403, _("The key may not do this.")),
    ProblemCode("read_only", 403, _("The workspace is read-only; only reading is possible.")),
    ProblemCode(
        "organisation_closed", 403, _("The organisation is closed; its owner can take that back.")
    ),
    ProblemCode("method_not_allowed", 405, _("This address does not take this method.")),
    ProblemCode("not_acceptable", 406, _("Only JSON is answered.")),
    ProblemCode("too_large", 413, _("The body is too large.")),
    ProblemCode("unsupported_media_type", 415, _("Send JSON, and say so in `Content-Type`.")),
    ProblemCode(
        "throttled",
        429,
        _(
            "The limit of the key, or of an address without a valid key, is used up; `Retry-After`"
            " says for how long."
        ),
    ),
    ProblemCode("not_found", 404, _("There is no such thing for this key.")),
    ProblemCode("internal", 500, _("Something broke here; tell its `request_id` to who runs it.")),
    ProblemCode(
        "unavailable",
        503,
        _("The platform cannot answer at the moment; `Retry-After` says when to ask again."),
    ),
)


def problem_codes() -> list[ProblemCode]:
    """Every code that a problem of this process can have, in alphabetical order."""
    found = {one.code: one for one in _of_classes(DomainError)}
    found |= {one.code: one for one in _OTHERS}
    return [found[code] for code in sorted(found)]


def _of_classes(error: type[DomainError]) -> Iterator[ProblemCode]:
    # The class that brings a code explains it, not those that inherit it.
    if "code" in vars(error):
        meaning = (getdoc(error) or "").partition("\n")[0]
        yield ProblemCode(error.code, error.status, meaning)
    for below in error.__subclasses__():
        yield from _of_classes(below)
