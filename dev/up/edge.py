"""The edge as a child of this run."""

from __future__ import annotations

from dev.up.options import Options
from dev.up.programs import Program


def program(options: Options) -> Program:
    return Program("edge", ["sleep", "1000"])
