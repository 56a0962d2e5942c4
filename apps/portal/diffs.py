"""What is different between two values, line by line, for the diff piece of the pages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

SAME, ADDED, REMOVED, FOLDED = "same", "added", "removed", "folded"
# So many lines that are the same are shown around what is not.
_AROUND = 2


@dataclass(frozen=True)
class Line:
    """A line of a diff: what became of it, and its text; of FOLDED how many it stands for."""

    kind: str
    text: str


def diff(before: Any, after: Any) -> list[Line]:
    """The lines of both: items of lists, names and values of mappings, lines of texts."""
    old, new = lines_of(before), lines_of(after)
    found: list[Line] = []
    for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            found += _folded(old[i:j], is_first=i == 0, is_last=j == len(old))
        else:
            found += [Line(REMOVED, text) for text in old[i:j]]
            found += [Line(ADDED, text) for text in new[k:m]]
    return found


def _folded(texts: list[str], *, is_first: bool, is_last: bool) -> Iterator[Line]:
    head = 0 if is_first else _AROUND
    tail = len(texts) - (0 if is_last else _AROUND)
    # One that is folded takes as much room as the line that says so.
    if tail - head < 2:
        yield from (Line(SAME, text) for text in texts)
        return
    yield from (Line(SAME, text) for text in texts[:head])
    yield Line(FOLDED, str(tail - head))
    yield from (Line(SAME, text) for text in texts[tail:])


def lines_of(value: Any) -> list[str]:
    """A value of JSON in lines, as people read it."""
    if isinstance(value, dict):
        return [f"{name}: {said(item)}" for name, item in value.items()]
    if isinstance(value, list):
        return [said(item) for item in value]
    return said(value).splitlines() or [""]


def said(value: Any) -> str:
    """A value of JSON as text, a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
