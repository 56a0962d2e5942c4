"""The outside world of the demonstration: one file a thing, which outlives every worker."""

import os
import signal
import time
from pathlib import Path
from uuid import uuid4

from apps.operations.pipelines import Run

_PATIENCE_S = 60


class World:
    """What one subject has outside of the database.

    A thing may be made twice under one name, as on a real host: then it is there twice.
    """

    def __init__(self, root: Path, owner: str) -> None:
        self.things_dir = root / owner / "things"
        self.moments_dir = root / owner / "moments"
        self.things_dir.mkdir(parents=True, exist_ok=True)
        self.moments_dir.mkdir(parents=True, exist_ok=True)

    def things(self) -> list[str]:
        """Names of all that is there, doubles included."""
        return sorted(path.name.split(".")[0] for path in self.things_dir.iterdir())

    def has(self, name: str) -> bool:
        """Whether there is such a thing."""
        return name in self.things()

    def make(self, name: str) -> None:
        """Make a thing, whether or not there is one of the name."""
        (self.things_dir / f"{name}.{uuid4().hex}").touch()

    def remove(self, name: str) -> None:
        """Remove every thing of the name."""
        for path in self.things_dir.glob(f"{name}.*"):
            path.unlink(missing_ok=True)

    def arrange(self, moment: str, fate: str) -> None:
        """Let the worker that first comes to a moment be killed, stopped or kept waiting."""
        (self.moments_dir / moment).write_text(fate)

    def has_arrived(self, moment: str) -> bool:
        """Whether a worker came to an arranged moment."""
        return (self.moments_dir / f"{moment}.arrived").exists()

    def open(self, moment: str) -> None:
        """Let the worker that waits at a moment go on."""
        (self.moments_dir / f"{moment}.open").touch()

    def pass_moment(self, moment: str) -> None:
        """Meet one's fate, if one was arranged; only the first worker does."""
        arranged = self.moments_dir / moment
        try:
            arranged.rename(self.moments_dir / f"{moment}.arrived")
        except FileNotFoundError:
            return
        fate = (self.moments_dir / f"{moment}.arrived").read_text()
        if fate == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fate == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        else:
            self._wait(moment)

    def _wait(self, moment: str) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not (self.moments_dir / f"{moment}.open").exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Nobody opened {moment}.")
            time.sleep(0.01)


def world_of(run: Run) -> World:
    """The world that an operation changes."""
    return World(Path(os.environ["DEMO_WORLD"]), run.operation.subject_id)
