"""Visitors who keep asking a public address, so that a failed request does not go unseen."""

import threading
import time
from collections import Counter
from types import TracebackType

from tests.live_platform import LivePlatform

_EVERY_S = 0.02


class Traffic:
    """Asks from several threads, a connection each time, until the block ends."""

    def __init__(
        self, platform: LivePlatform, hostname: str, path: str = "/readyz", *, visitors: int = 2
    ) -> None:
        self._platform, self._hostname, self._path = platform, hostname, path
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(visitors)]
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()

    @property
    def failures(self) -> dict[str, int]:
        """What was answered but 200, and how often."""
        return {what: count for what, count in self.answers.items() if what != "200"}

    def _ask(self) -> None:
        while not self._over.is_set():
            found = self._platform.get(self._hostname, self._path)
            mark = found.headers.get("x-dotmac-deployment", "no deployment")
            what = f"{found.status or found.error} of {mark}"
            with self._lock:
                self.answers["200" if found.status == 200 else what] += 1
            self._over.wait(_EVERY_S)

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        end = time.monotonic() + 10
        while not self.answers and time.monotonic() < end:
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)
