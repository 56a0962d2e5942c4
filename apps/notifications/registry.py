"""The kinds of notification; each app registers its own beside the reaction that sends it.

register(Kind("import.finished", title=_("An import is finished"), heading=_("%(file)s is in"), …))
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.notifications.constants import CHANNELS, EMAIL, INBOX
from apps.tenancy.kinds import CONSOLE, PUBLIC, WORKSPACE

Text = str | Promise


@dataclass(frozen=True)
class Kind:
    """One kind: its line among a person's settings, and its texts, which take the data's names.

    The texts are rendered for each reader, in the reader's language.
    """

    key: str
    title: Text
    heading: Text
    body: Text = ""
    # ok, warn, bad or info.
    tone: str = "info"
    # The kinds of schema in which it occurs.
    levels: frozenset[str] = frozenset({PUBLIC, CONSOLE, WORKSPACE})
    # Whether only staff are ever told.
    for_staff: bool = True
    # By which ways who chose nothing is told.
    channels: frozenset[str] = frozenset({INBOX, EMAIL})
    # The ways one can choose.
    offered: frozenset[str] = frozenset(CHANNELS)
    # One of constants.SEVERITIES where the operator's alert channels say it too.
    severity: str = ""
    # The key of the kind whose alert is over by this one.
    resolves: str = ""


@dataclass(frozen=True)
class Notice:
    """What people are being told, for whoever passes it on by other ways.

    `about` is the same for what happens to the same thing, `key` for the same event only.
    """

    kind: Kind
    about: str
    key: str
    data: Mapping[str, Any]
    url: str


Relay = Callable[[Notice], None]


_kinds: dict[str, Kind] = {}
_relays: list[Relay] = []
_UNKNOWN = Kind("", title="", heading=_("Something happened"))


def register(kind: Kind) -> Kind:
    """Make a kind known."""
    _kinds[kind.key] = kind
    return kind


def kind_named(key: str) -> Kind:
    """The kind; one without texts for what another release knew."""
    return _kinds.get(key, _UNKNOWN)


def kinds_for(level: str, *, is_staff: bool) -> list[Kind]:
    """The kinds that somebody at a level can be told of."""
    found = (kind for kind in _kinds.values() if level in kind.levels)
    return sorted((k for k in found if is_staff or not k.for_staff), key=lambda kind: kind.key)


def relays(relay: Relay) -> Relay:
    """Register who passes notices on, in their transaction: it writes to the database only."""
    _relays.append(relay)
    return relay


def relayed(notice: Notice) -> None:
    """Show a notice to all that are registered."""
    for relay in _relays:
        relay(notice)


def rendered(text: Text, data: Mapping[str, Any]) -> str:
    """A text with its data; names that an older notification lacks stay empty."""
    return str(text) % _Lenient(data)


class _Lenient(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""
