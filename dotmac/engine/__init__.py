"""Run the containers of a stack on a host.

The implementations are in `docker` and `fake`: importing this costs nothing of the Docker SDK.
"""

from dotmac.engine.base import (
    ContainerInfo,
    Engine,
    EngineEvent,
    EngineInfo,
    EventStream,
    ExecResult,
    ImageInfo,
    NetworkInfo,
    RunResult,
    VolumeInfo,
)
from dotmac.engine.errors import EngineError, ErrorCode
from dotmac.engine.spec import Attachment, ContainerSpec, Mount, NetworkSpec, VolumeSpec

__all__ = [
    "Attachment",
    "ContainerInfo",
    "ContainerSpec",
    "Engine",
    "EngineError",
    "EngineEvent",
    "EngineInfo",
    "ErrorCode",
    "EventStream",
    "ExecResult",
    "ImageInfo",
    "Mount",
    "NetworkInfo",
    "NetworkSpec",
    "RunResult",
    "VolumeInfo",
    "VolumeSpec",
]
