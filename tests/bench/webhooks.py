"""Webhooks: from the commit to a listening endpoint, at a rate that goes on."""

import time

from django.db import transaction

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.webhooks.services import create_endpoint, remove_endpoint
from tests.bench.result import Result, percentile, spread
from tests.dotmac.webhooks.receiver import Receiver, receiving
from tests.live_platform import until

# A little more than is asked for, so that the last delivery does not count against the rate.
_RATE, _SUSTAINED = 110, 100
_SECONDS = 20
_WARM_UP = 50
_TOWER = Subject("mast", "7", "Tower")


def measure() -> list[Result]:
    """At the operator, with its own clock and workers."""
    with receiving() as receiver, schema_of(PUBLIC):
        endpoint, _secret = create_endpoint(url=receiver.url, types=["bench.*"], actor=SYSTEM)
        try:
            _send(_WARM_UP, receiver)
            return _results(receiver)
        finally:
            remove_endpoint(endpoint, actor=SYSTEM)


def _results(receiver: Receiver) -> list[Result]:
    began = time.time()
    committed = _send(_RATE * _SECONDS, receiver)
    ids = [head["webhook-id"] for _path, head, _body in receiver.got]
    arrived = dict(zip(ids, receiver.at, strict=True))
    delays = [arrived[uuid] - at for uuid, at in committed.items()]
    late = percentile(delays, 0.95)
    rate = len(committed) / (max(arrived.values()) - began)
    what = f"webhooks: commit to a listening endpoint at {_RATE}/s"
    return [
        Result(f"{what}, p95", spread(delays), "", f"{late:.2f} s", "≤ 1 s", late <= 1),
        Result(
            f"{what}: delivered", "", "", f"{rate:.0f}/s", f"≥ {_SUSTAINED}/s", rate >= _SUSTAINED
        ),
    ]


def _send(count: int, receiver: Receiver) -> dict[str, float]:
    """Commit events at the rate, wait for the last; returns when each was committed."""
    receiver.got.clear()
    receiver.at.clear()
    committed: dict[str, float] = {}
    start = time.time()
    for number in range(count):
        time.sleep(max(0.0, start + number / _RATE - time.time()))
        with transaction.atomic():
            event = events.record("bench.sent", actor=SYSTEM, subject=_TOWER)
        committed[str(event.uuid)] = time.time()
    until(lambda: len(receiver.got) >= count, what="the last delivery", seconds=120)
    return committed
