"""What a change made of each value: for whoever records one, and for the pages that show it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Where an event's data hold the differences.
CHANGED = "changed"
_BOTH = ("before", "after")


def values_of(row: Any, names: Iterable[str]) -> dict[str, Any]:
    """Values of a row by name, to be compared with others; never of what is secret."""
    return {name: getattr(row, name) for name in names}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Both values of each name that `after` has and that are not the same, by name.

    What lies in mappings is told one by one, as `metadata.crm`: a person is erased who is named by
    a whole value.
    """
    return {
        name: {"before": old, "after": new}
        for key, value in after.items()
        for name, old, new in _apart(key, before.get(key), value)
    }


def told_by(data: Mapping[str, Any]) -> tuple[dict[str, tuple[Any, Any]], dict[str, Any]]:
    """The values before and after that data tell themselves, by name, and the facts beside them."""
    rest = dict(data)
    told: dict[str, tuple[Any, Any]] = {}
    if data.keys() >= set(_BOTH):
        told["after"] = (rest.pop("before"), rest.pop("after"))
    changed = data.get(CHANGED)
    if isinstance(changed, dict) and all(map(_is_pair, changed.values())):
        told |= {name: _pair(value) for name, value in rest.pop(CHANGED).items()}
    return told, {name: value for name, value in rest.items() if name not in told}


def _apart(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        if old != new:
            yield name, old, new
        return
    for key in {**old, **new}:
        yield from _apart(f"{name}.{key}", old.get(key), new.get(key))


def _is_pair(value: Any) -> bool:
    # Older events tell both as a list.
    is_list = isinstance(value, list) and len(value) == 2
    return is_list or (isinstance(value, dict) and value.keys() == set(_BOTH))


def _pair(value: Any) -> tuple[Any, Any]:
    return (value["before"], value["after"]) if isinstance(value, dict) else (value[0], value[1])
