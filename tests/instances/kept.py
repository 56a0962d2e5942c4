"""A shop that is made once for many tests, with what the fake engine and the fake edge hold."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from apps.fleet import engines
from apps.fleet.edge import edge
from dotmac.engine.fake import FakeHost
from tests.filled import rolled_back, worker
from tests.instances.world import Shop, the_edge

RunDue = Callable[[], list[str]]


@contextmanager
def kept_shop(make: Callable[[RunDue], Shop]) -> Iterator[Callable[[], Shop]]:
    """Make it, and give it to each test as it was then."""
    with rolled_back():
        with worker() as run_due:
            made = make(run_due)
        hold_again = _holding()

        def again() -> Shop:
            hold_again()
            return replace(made, engine=engines.fake_engine("one"))

        yield again
    engines.forget()
    edge.cache_clear()


def _holding() -> Callable[[], None]:
    """What lets a new engine and a new edge hold what the present ones do."""
    host, known = _copied(engines.fake_engine("one").host), the_edge()

    def hold_again() -> None:
        engines.forget()
        edge.cache_clear()
        engines.fake_engine("one").host = _copied(host)
        new = the_edge()
        new.routes, new.certificates = dict(known.routes), known.certificates
        new.history = [*known.history]

    return hold_again


def _copied(host: FakeHost) -> FakeHost:
    return replace(
        host,
        images=dict(host.images),
        missing_images=set(host.missing_images),
        programs=dict(host.programs),
        networks=dict(host.networks),
        volumes=dict(host.volumes),
        made={name: replace(one) for name, one in host.made.items()},
        events=[*host.events],
        changed=threading.Condition(),
    )
