"""A resource's version, told by what it shows, so that nothing that it shows can be missed."""

import hashlib
from typing import Any

from rest_framework.renderers import JSONRenderer


def etag_of(shown: Any) -> str:
    """The strong ETag of a resource as it is shown."""
    return f'"{hashlib.sha256(JSONRenderer().render(shown)).hexdigest()[:32]}"'


def matches(header: str, etag: str, *, is_weak: bool = False) -> bool:
    """Whether an If-Match or, compared weakly, an If-None-Match header names the ETag."""
    named = [one.strip() for one in header.split(",")]
    if is_weak:
        named = [one.removeprefix("W/") for one in named]
    return "*" in named or etag in named
