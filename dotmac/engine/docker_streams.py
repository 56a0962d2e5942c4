"""The engine's streams: events as they happen, and the output of a command."""

import struct
import time
from typing import Any, Protocol

from docker.types.daemon import CancellableStream

from dotmac.engine.base import EngineEvent
from dotmac.engine.docker_errors import engine_errors, unreachable
from dotmac.engine.docker_wire import engine_event

MAX_OUTPUT_BYTES = 1024 * 1024
_HEADER_BYTES = 8


class DockerEvents:
    """Events of one engine; `close` may come from another thread."""

    def __init__(self, stream: "CancellableStream[dict[str, Any]]", where: str) -> None:
        self._stream = stream
        self._where = where
        self._closed = False

    def __iter__(self) -> "DockerEvents":
        return self

    def __next__(self) -> EngineEvent:
        try:
            with engine_errors("follow events", self._where):
                return engine_event(next(self._stream))
        except Exception as error:
            if self._closed:
                raise StopIteration from None
            if isinstance(error, StopIteration):
                raise unreachable("follow events", self._where, "the stream ended") from None
            raise

    def close(self) -> None:
        """End the stream; the thread that waits in it gets StopIteration."""
        self._closed = True
        with engine_errors("end the event stream", self._where):
            self._stream.close()


class ByteStream(Protocol):
    """What a raw HTTP body offers."""

    def read(self, amount: int) -> bytes:
        """Up to that many bytes; fewer at the end."""


def read_frames(body: ByteStream, deadline: float) -> bytes:
    """Take stdout and stderr, in order, off the engine's frames; keeps the last mebibyte.

    Raises TimeoutError after `deadline` (of time.monotonic); what came by then is its argument.
    """
    output = bytearray()
    while header := body.read(_HEADER_BYTES):
        (length,) = struct.unpack(">4xL", header)
        output += body.read(length)
        del output[:-MAX_OUTPUT_BYTES]
        if time.monotonic() > deadline:
            raise TimeoutError(bytes(output))
    return bytes(output)
