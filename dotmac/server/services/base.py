"""What is asked of whatever keeps services running."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Protocol


class Services(Protocol):
    """Starts, stops and watches the services of `dotmac.server.plan`; names are theirs."""

    def prepare(self, home: Path) -> None:
        """Make all of them known as they are planned now; what runs goes on as it is.

        What keeps them may run from the release at `home`.
        """

    def start(self, name: str) -> None:
        """Start one unless it runs; it is started again whenever it ends. Raises SetupError."""

    def stop(self, name: str) -> None:
        """End one and wait for it; quiet when it does not run."""

    def is_running(self, name: str) -> bool:
        """Whether it runs now, and not only is to be tried again."""

    def pid(self, name: str) -> int:
        """The number of its process, 0 without one: another one after it died."""

    def keep(self, names: Collection[str]) -> None:
        """Have exactly these start with the machine."""

    def last_words(self, name: str, count: int) -> list[str]:
        """The end of what it said."""

    def shut_down(self) -> None:
        """End all of them, and whatever was started to keep them."""
