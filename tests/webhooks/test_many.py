"""Many events at once: each is told, at a cost that does not grow with them."""

import json
from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.events.actors import SYSTEM
from apps.subscribers.upserting import upsert_subscribers
from apps.tenancy.kinds import schema_of
from apps.webhooks import services
from apps.work.models import Due
from dotmac.crypto.secret import Secret
from tests.dotmac.webhooks.receiver import Receiver
from tests.events.test_log import pump_all
from tests.webhooks.conftest import TOWER, happen, work_once

Work = Callable[[], Due]


def test_rows_that_come_in_bulk_are_told_one_by_one(
    swept_database: str, receiver: Receiver
) -> None:
    rows = [{"external_id": f"crm-{number}", "name": f"Person {number}"} for number in range(3)]
    with schema_of("w_acme"):
        services.create_endpoint(url=receiver.url, types=["subscriber.*"], actor=SYSTEM)
        upsert_subscribers(rows, actor=SYSTEM)
        upsert_subscribers([{**rows[0], "phone": "555 0100"}], actor=SYSTEM)
        pump_all()
        work_once()
    told = [json.loads(body) for _path, _head, body in receiver.got]
    assert sorted((one["type"], one["subject"]["label"].split(" (")[0]) for one in told) == [
        *(("subscriber.created", row["name"]) for row in rows),
        ("subscriber.updated", "Person 0"),
    ]
    (changed,) = [one["data"]["changed"] for one in told if one["type"] == "subscriber.updated"]
    assert changed == {"phone": {"before": "", "after": "555 0100"}}


def test_many_events_need_few_queries(secret: Secret, receiver: Receiver) -> None:
    def sent(count: int) -> int:
        for number in range(count):
            services.events.record("mast.built", actor=SYSTEM, subject=TOWER, data={"n": number})
        happen()
        receiver.got.clear()
        with CaptureQueriesContext(connection) as asked:
            work_once()
        assert len({head["webhook-id"] for _p, head, _b in receiver.got}) == count + 1
        return len(asked)

    few, many = sent(5), sent(60)
    # They go some at a time, and each time takes its queries.
    assert many - few < 55 / 2
