"""Counts deaths of children: each is restarted, too many within a minute end the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from dotmac.server.supervision import State

LIMIT = 5
WINDOW_SECONDS = 60.0
# Others fall when the database does; only its own death counts for so long.
SHADOW_SECONDS = 5.0
DATABASE = "database"


class Crashes:
    """Remembers the children's last state and when each death was seen."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._ended: dict[str, int] = {}
        self._pids: dict[str, int] = {}
        self._seen: deque[float] = deque()
        self._database_fell_at = float("-inf")

    def note(self, states: Iterable[State], now: float) -> list[State]:
        """The children that died since the last call; `now` in seconds of a monotonic clock."""
        died = [state for state in states if state.name in self._names and self._has_died(state)]
        if any(state.name == DATABASE for state in died):
            self._database_fell_at = now
        for state in died:
            if state.name == DATABASE or now - self._database_fell_at > SHADOW_SECONDS:
                self._seen.append(now)
        return died

    def are_too_many(self, now: float) -> bool:
        while self._seen and now - self._seen[0] > WINDOW_SECONDS:
            self._seen.popleft()
        return len(self._seen) >= LIMIT

    def _has_died(self, state: State) -> bool:
        """Another time of death, or another process than before; both in whole seconds at best."""
        ended, pid = self._ended.get(state.name, 0), self._pids.get(state.name, 0)
        self._ended[state.name], self._pids[state.name] = state.ended_at, state.pid
        return state.ended_at != ended or bool(pid and state.pid and state.pid != pid)
