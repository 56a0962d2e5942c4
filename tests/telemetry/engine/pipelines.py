"""One step, which asks the engine that the environment names."""

import os

from apps.operations.pipelines import Pipeline, Run, Step, register
from dotmac.engine.docker import DockerEngine


class Ask(Step):
    key, title = "ask", "Ask the engine"

    def run(self, run: Run) -> None:
        engine = DockerEngine(os.environ["TELEMETRY_ENGINE"])
        run.remember(version=engine.ping().version)


class Crash(Step):
    key, title = "crash", "Crash"

    def run(self, run: Run) -> None:
        raise RuntimeError("nobody thought of this")


register(Pipeline("telemetry.ask", "Ask for {subject}", (Ask,)))
register(Pipeline("telemetry.crash", "Crash for {subject}", (Crash,)))
