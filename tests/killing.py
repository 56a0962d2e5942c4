"""Ending a command in the middle of what it does."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def kill_when_it_says(
    step: str, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]
) -> None:
    """Run a command, and end it by SIGKILL as soon as it says that a step is done."""
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as child:  # fmt: skip
        said = []
        assert child.stdout is not None
        for line in child.stdout:
            said.append(line)
            if step in line:
                child.send_signal(signal.SIGKILL)
                break
        assert child.wait(60) == -signal.SIGKILL, "".join(said)
