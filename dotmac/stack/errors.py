"""What is wrong with a manifest or with the values given to it."""

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One mistake: where (`services.web.memory`), and a sentence that says what to do."""

    path: str
    message: str


class ManifestError(ValueError):
    """All mistakes at once, in `problems`, so that their author mends them in one go."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = [Problem(path, message) for path, message in problems]
        lines = [f"{path}: {message}" if path else message for path, message in self.problems]
        super().__init__("\n".join(lines))
