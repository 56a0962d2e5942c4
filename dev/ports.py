"""A port for a server that is started a moment later."""

import random
import socket

# Below 32768 the kernel takes none for a connection of its own, which could come in between.
_RANGE = range(15000, 32000)
_TRIES = 100


def free_port() -> int:
    """A port that nobody listens on now; OSError when it finds none."""
    for _ in range(_TRIES):
        port = random.choice(_RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise OSError(f"No free port from {_RANGE.start} to {_RANGE.stop - 1}.")
