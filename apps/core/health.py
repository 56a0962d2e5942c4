"""What the doctor looks at: each app registers its checks in a module `checkups`.

@check("queue", _("Queue"), runbook="queue-stands-still")
def _queue() -> Iterator[Finding]:
    if late:
        yield problem(gettext_noop("{count} pieces wait."), gettext_noop("Run …"), count=late)

A check that yields nothing is well. It only looks; what may be mended is registered by `mends`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext

from apps.core.commands import as_here

OK, WARNING, PROBLEM = "ok", "warning", "problem"
# The worst last.
STATUSES = (OK, WARNING, PROBLEM)
Value = str | int | Mapping[str, Any]
DAY_S = 86_400.0
# Of checks whose answer matters at once: the clock asks them so often.
SOON_S = 300.0
RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True)
class Finding:
    """What is wrong and what to do: texts marked by gettext_noop, with {places} for values."""

    status: str
    text: str
    advice: str
    # A value that is a text itself is kept as work.words keeps it.
    values: Mapping[str, Value] = field(default_factory=dict)
    # An alert of the app's own tells people of it, so that the doctor's need not.
    is_told: bool = False

    @property
    def said(self) -> str:
        """What is wrong, in the language in use."""
        return _read(self.text, self.values)

    @property
    def advised(self) -> str:
        """What to do, in the language in use."""
        return as_here(_read(self.advice, self.values))

    def kept(self) -> dict[str, Any]:
        """As it is stored."""
        values = dict(self.values)
        return {"status": self.status, "text": self.text, "advice": self.advice, "values": values}


def _read(text: str, values: Mapping[str, Value]) -> str:
    """In the language in use, with the texts in it."""
    shown = {
        name: _read(one["text"], one["values"]) if isinstance(one, Mapping) else one
        for name, one in values.items()
    }
    return gettext(text).format(**shown)


Look = Callable[[], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """Something that is looked at; `runbook` is the page to open, below RUNBOOKS."""

    name: str
    title: str | Promise
    look: Look
    runbook: str
    every_s: float = DAY_S
    needs_database: bool = True
    # From which status on people are told by alerts.
    tells_from: str = PROBLEM

    @property
    def page(self) -> str:
        """The file of its runbook."""
        return f"{RUNBOOKS}/{self.runbook}.md"


@dataclass(frozen=True)
class Mend:
    """What can be put right without a risk, after somebody said yes to the question.

    `run` returns how many things it put right.
    """

    check: str
    question: str | Promise
    run: Callable[[], int]


_checks: dict[str, Check] = {}
_mends: list[Mend] = []


def check(
    name: str,
    title: str | Promise,
    *,
    runbook: str,
    every_s: float = DAY_S,
    needs_database: bool = True,
    tells_from: str = PROBLEM,
) -> Callable[[Look], Look]:
    """Register a check by its name; it is called in the operator's schema."""

    def register(look: Look) -> Look:
        _checks[name] = Check(name, title, look, runbook, every_s, needs_database, tells_from)
        return look

    return register


def mends(check: str, question: str | Promise) -> Callable[[Callable[[], int]], Callable[[], int]]:
    """Register how what a check finds is put right."""

    def register(run: Callable[[], int]) -> Callable[[], int]:
        _mends.append(Mend(check, question, run))
        return run

    return register


def checks() -> list[Check]:
    """All that are registered, by name; those that need no database first."""
    return sorted(_checks.values(), key=lambda one: (one.needs_database, one.name))


def check_named(name: str) -> Check | None:
    """A check, where this release has it."""
    return _checks.get(name)


def mends_of(name: str) -> list[Mend]:
    """What can be put right of a check."""
    return [mend for mend in _mends if mend.check == name]


def warning(text: str, advice: str, **values: Value) -> Finding:
    """Something that will hurt later, or only may."""
    return Finding(WARNING, text, advice, values)


def problem(text: str, advice: str, **values: Value) -> Finding:
    """Something that hurts now, or does in days."""
    return Finding(PROBLEM, text, advice, values)


def told(finding: Finding) -> Finding:
    """The same, where the app itself tells people of it: one cause is one alert."""
    return replace(finding, is_told=True)


def worst(findings: Iterable[Finding]) -> str:
    """The status of a check that found these."""
    return max((one.status for one in findings), key=STATUSES.index, default=OK)


def some(names: Iterable[str], most: int = 10) -> str:
    """Names for a sentence, the first few of many."""
    listed = list(names)
    return ", ".join(listed[:most]) + (" …" if len(listed) > most else "")
