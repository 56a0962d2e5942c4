"""What is known off site even where a restored database knows nothing of it.

A database that is restored to a moment has forgotten all that came later. What has to be done again
then, such as an erasure, is a small object for itself in the repository: whoever carries compares.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import structlog

from dotmac.backups import Store

log = structlog.get_logger(__name__)
_FOLDER = "ledger"


@dataclass(frozen=True)
class Ledger:
    """Things of one kind, by an id that is a part of a file's name.

    `here` says which this database knows, `content` what is kept of one, and `take_in` gets what is
    only off site, with a way to read it; it says whether that was news. All are called outside of
    transactions.
    """

    name: str
    here: Callable[[], Iterable[str]]
    content: Callable[[str], bytes]
    take_in: Callable[[str, Callable[[], bytes]], bool]


_ledgers: dict[str, Ledger] = {}
# What lies off site, by place and kind: others write there only after this process has ended.
_there: dict[tuple[str, str], set[str]] = {}


def outlives_restores(ledger: Ledger) -> None:
    """Register what is kept so."""
    _ledgers[ledger.name] = ledger


def compare(store: Store, *, anew: bool = False) -> int:
    """Send what lacks off site, and take in what this database lacks; returns how many came in.

    The place is listed once for each process, or `anew`. BackupError while it does not answer.
    """
    return sum(_compare(store, ledger, anew=anew) for ledger in _ledgers.values())


def _compare(store: Store, ledger: Ledger, *, anew: bool) -> int:
    place, folder = (store.target.address, ledger.name), f"{_FOLDER}/{ledger.name}"
    here, there = set(ledger.here()), None if anew else _there.get(place)
    came = 0
    if there is None:
        there = {_id_of(entry.name) for entry in store.list(folder)}
        for one in sorted(there - here):
            came += ledger.take_in(one, partial(store.read, _named(folder, one)))
    for one in sorted(here - there):
        store.write(_named(folder, one), ledger.content(one))
        there.add(one)
    _there[place] = there
    if came:
        log.warning("ledger_took_in", ledger=ledger.name, count=came)
    return came


def _named(folder: str, one: str) -> str:
    return f"{folder}/{one}.json"


def _id_of(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".json")
