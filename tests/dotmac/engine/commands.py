"""What every engine does with one-offs and commands; part of the contract."""

from datetime import UTC, datetime

import pytest

from dotmac.engine import (
    Engine,
    EngineError,
    ErrorCode,
)
from tests.dotmac.engine.scene import Scene, starts_since, wait_until


class CommandContract:
    """Programs that run in containers, to their end."""

    def test_a_one_off_gives_its_exit_code_and_output_and_is_gone(
        self, engine: Engine, scene: Scene
    ) -> None:
        result = engine.run(scene.command("release", output="no table", exit_code=3), 30)
        assert result.exit_code == 3
        assert result.output.strip() == "no table"
        assert engine.containers(scene.labels) == ()

    def test_a_one_off_left_by_a_killed_worker_runs_once(
        self, engine: Engine, scene: Scene
    ) -> None:
        spec = scene.command("release", output="migrated", exit_code=0, lasts_s=0.5)
        scene.die_after_start(spec)
        (left,) = engine.containers(scene.labels)
        since = datetime.now(UTC)
        result = engine.run(spec, 30)
        assert (result.exit_code, result.output.strip()) == (0, "migrated")
        assert engine.containers(scene.labels) == ()
        assert not starts_since(engine, since, left.id)

    def test_a_one_off_left_unstarted_is_started(self, engine: Engine, scene: Scene) -> None:
        spec = scene.command("release", output="migrated")
        scene.die_after_create(spec)
        assert engine.run(spec, 30).output.strip() == "migrated"

    def test_a_one_off_that_was_killed_from_outside_runs_again(
        self, engine: Engine, scene: Scene
    ) -> None:
        spec = scene.command("release", output="migrated", lasts_s=1)
        scene.interrupt(spec)
        result = engine.run(spec, 30)
        assert (result.exit_code, result.output.strip()) == (0, "migrated")

    def test_a_one_off_that_takes_too_long_is_ended(self, engine: Engine, scene: Scene) -> None:
        spec = scene.command("release", output="waiting for a lock", lasts_s=600)
        with pytest.raises(EngineError, match="did not end within 1 seconds") as caught:
            engine.run(spec, 1)
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.TIMED_OUT, True)
        assert caught.value.output.strip() == "waiting for a lock"
        assert engine.containers(scene.labels) == ()

    def test_a_command_in_a_running_container_gives_its_code_and_output(
        self, engine: Engine, scene: Scene
    ) -> None:
        spec = scene.service("web")
        engine.ensure_container(spec)
        result = engine.exec(spec.name, scene.answers(spec, "here", 4))
        assert (result.exit_code, result.output.strip()) == (4, "here")

    def test_a_command_needs_a_running_container(self, engine: Engine, scene: Scene) -> None:
        spec = scene.service("web")
        with pytest.raises(EngineError) as caught:
            engine.exec(spec.name, ("true",))
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.NOT_FOUND, True)
        engine.ensure_container(spec)
        engine.stop(spec.name, 0)
        with pytest.raises(EngineError) as caught:
            engine.exec(spec.name, ("true",))
        assert (caught.value.code, caught.value.permanent) == (ErrorCode.CONFLICT, False)

    def test_the_last_lines_of_a_log_can_be_read(self, engine: Engine, scene: Scene) -> None:
        spec = scene.command("release", output="one\ntwo\nthree")
        scene.die_after_start(spec)
        wait_until(lambda: "three" in engine.logs(spec.name))
        assert engine.logs(spec.name, 2).split() == ["two", "three"]
