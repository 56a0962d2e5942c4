"""What is asked of an engine by somebody who may no longer do so."""

from collections.abc import Iterator

import docker
import pytest

from dotmac.engine import Attachment, NetworkSpec, fence
from dotmac.engine.docker import DockerEngine
from tests.docker.busybox import busybox_image, remove_labelled
from tests.docker.test_engine import SOCKET, DockerScene

pytestmark = pytest.mark.docker


class LateError(Exception):
    """The right to ask is over."""


class Right:
    """Good for so many questions."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> None:
        if self.left == 0:
            raise LateError
        self.left -= 1


@pytest.fixture
def scene() -> Iterator[DockerScene]:
    client = docker.APIClient(SOCKET, version="1.41")
    with busybox_image(client) as image:
        scene = DockerScene(client, image)
        yield scene
        remove_labelled(client, f"dotmac.test={scene.key}")
    client.close()


@pytest.fixture
def engine(scene: DockerScene) -> Iterator[DockerEngine]:
    engine = DockerEngine(SOCKET)
    # Its first question is for the engine's version.
    engine.ping()
    yield engine
    engine.close()


def test_nothing_is_asked_behind_the_end(engine: DockerEngine, scene: DockerScene) -> None:
    with fence.fenced(Right(0)), pytest.raises(LateError):
        engine.ensure_container(scene.service("web"))
    assert engine.containers(scene.labels) == ()


def test_a_container_that_was_made_too_late_is_taken_back(
    engine: DockerEngine, scene: DockerScene
) -> None:
    with fence.fenced(Right(1)), pytest.raises(LateError):
        engine.ensure_container(scene.service("web"))
    assert engine.containers(scene.labels) == ()


def test_one_that_was_made_in_time_is_left_to_whoever_comes_next(
    engine: DockerEngine, scene: DockerScene
) -> None:
    spec = scene.service("web")
    with fence.fenced(Right(2)), pytest.raises(LateError):
        engine.ensure_container(spec)
    assert [one.is_running for one in engine.containers(scene.labels)] == [False]
    assert engine.ensure_container(spec).is_running


def test_a_network_that_was_made_too_late_is_taken_back(
    engine: DockerEngine, scene: DockerScene
) -> None:
    spec = NetworkSpec(scene.name("front"), internal=False, labels=scene.labels)
    with fence.fenced(Right(1)), pytest.raises(LateError):
        engine.ensure_network(spec)
    assert engine.networks(scene.labels) == ()


def test_one_that_is_used_already_stays(engine: DockerEngine, scene: DockerScene) -> None:
    """Another made its container in the very moment before it would have been taken back."""
    spec = NetworkSpec(scene.name("front"), internal=False, labels=scene.labels)
    service = scene.service("web", networks=(Attachment(spec.name),))

    class Taken(Right):
        def __call__(self) -> None:
            if self.left == 0:
                with fence.fenced(None):
                    DockerEngine(SOCKET).ensure_container(service)
            super().__call__()

    with fence.fenced(Taken(1)), pytest.raises(LateError):
        engine.ensure_network(spec)
    assert [one.name for one in engine.networks(scene.labels)] == [spec.name]
