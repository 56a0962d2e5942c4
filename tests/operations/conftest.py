"""Workers in processes of their own, and pipelines made for one test."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from apps.events.actors import SYSTEM, Subject
from apps.operations import services as operations
from apps.operations.models import Operation
from apps.operations.pipelines import Pipeline, Run, Step, register
from tests.live import module_database, swept_database
from tests.operations.nursery import Nursery

__all__ = ["module_database", "swept_database"]

Act = Callable[[Run], object]


@pytest.fixture(scope="module")
def nursery(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Workers with the short lease of the tests, on the module's database."""
    nursery = Nursery(module_database, tmp_path_factory.mktemp("world"))
    yield nursery
    nursery.close()


def step(key: str, run: Act, undo: Act = lambda _run: None, **settings: object) -> type[Step]:
    """A step that does what a function says."""
    body = {
        "key": key,
        "title": key.capitalize(),
        "run": lambda _self, the_run: run(the_run),
        "undo": lambda _self, the_run: undo(the_run),
    }
    return type(key.capitalize(), (Step,), {**body, **settings})


def pipeline(*steps: type[Step], **options: object) -> str:
    """Register a pipeline of these steps; its name."""
    name = f"test.{uuid4().hex[:8]}"
    register(Pipeline(name, "Build {subject}", steps, **options))
    return name


def start(name: str, subject: str = "tower") -> Operation:
    """Start an operation on a subject of the tests."""
    return operations.start(name, subject=Subject("mast", subject, subject), actor=SYSTEM)
