"""What tells of an organisation wherever it stands: its ids, names and addresses.

Kept encrypted while an erasure is under way, since its steps go on after what they read is gone.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings

from dotmac.crypto.fields import Cipher, parse_keys

_PLACE = "tenants_erasure.sealed"
# Nothing that goes on with a word: “north” is no part of “my-north”, nor of “north-2”.
_BEFORE, _AFTER = r"(^|[^[:alnum:]_.+-])", r"($|[^[:alnum:]_-])"


@dataclass(frozen=True)
class Traces:
    """What an erasure looks for."""

    slug: str
    name: str
    # Of the organisation, its tenants, its support visits and instances.
    uuids: tuple[str, ...]
    schemas: tuple[str, ...]
    hosts: tuple[str, ...]
    # Operator-level users who belonged to it: uuid and e-mail address.
    members: tuple[tuple[str, str], ...] = field(repr=False)
    # Where the certificate is sent: an address, a language and a time zone.
    owner: tuple[str, str, str] = field(repr=False)

    def sealed(self) -> str:
        """As it is kept."""
        return _cipher().encrypt(json.dumps(asdict(self)), context=_PLACE)

    def is_host(self, name: str) -> bool:
        """Whether a hostname is its own: of itself, or of one of its apps."""
        app = name.startswith(f"{self.slug}--") and name.endswith(f".{settings.APPS_DOMAIN}")
        return name in self.hosts or app

    def ids(self, gone: Iterable[tuple[str, str]] = ()) -> list[str]:
        """Every id, with those of people who are gone."""
        return [*self.uuids, *(uuid for uuid, _email in gone)]

    def name_pattern(self) -> str:
        """For sentences with its name; such a word may mean something else too."""
        return f"{_BEFORE}{re.escape(self.name)}{_AFTER}"

    def pattern(self, gone: Iterable[tuple[str, str]] = ()) -> str:
        """A regular expression of PostgreSQL for texts that name it, or people who are gone."""
        people = [word for pair in gone for word in pair]
        ids = [one for uuid in self.uuids for one in (uuid, uuid.replace("-", ""))]
        words = [*ids, *self.schemas, *self.hosts, *people]
        exact = "|".join(sorted({re.escape(word) for word in words if word}))
        slug = re.escape(self.slug)
        # An app of its own, a page of its own, and a value of that name, in whatever nesting.
        apps = rf"{slug}--[a-z0-9-]+\.{re.escape(settings.APPS_DOMAIN)}"
        page = rf"/organisations/{slug}/"
        value = rf'slug\\*": ?\\*"{slug}\\*"'
        listed = rf'organisations\\*": \[[^]]*"{slug}\\*"'
        return rf"{_BEFORE}({exact}|{apps}){_AFTER}|{page}|{value}|{listed}"


def opened(sealed: str) -> Traces:
    """What was kept; CipherError where its key is missing."""
    kept: dict[str, Any] = json.loads(_cipher().decrypt(sealed, context=_PLACE))
    return Traces(
        slug=kept["slug"],
        name=kept["name"],
        uuids=tuple(kept["uuids"]),
        schemas=tuple(kept["schemas"]),
        hosts=tuple(kept["hosts"]),
        members=tuple((uuid, email) for uuid, email in kept["members"]),
        # Of the release before there is no zone.
        owner=(kept["owner"][0], kept["owner"][1], (*kept["owner"], "")[2]),
    )


@lru_cache(maxsize=1)
def _cipher() -> Cipher:
    return Cipher(parse_keys(",".join(settings.FIELD_KEYS)))
