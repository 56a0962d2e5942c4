"""What the pages cost: the same queries, however much they show."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.fleet.models import Placement, Server
from apps.instances.models import Deployment, Instance
from apps.operations.models import LogLine, Operation, Step
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.costs import queries_of
from tests.instances.world import Shop
from tests.pages.test_pages import console_pages, operator_pages


def cost(client: Client, path: str) -> int:
    """How many queries a page costs."""
    return queries_of(lambda: client.get(path))


def crowd(shop: Shop, numbers: range) -> None:
    """Many more of everything."""
    now = timezone.now()
    with schema_of(shop.isp.console):
        for n in numbers:
            row = Instance.objects.create(
                name=f"app {n}",
                app="shop",
                hosting="dedicated",
                hostname=f"{n}.apps.localhost",
                status="active",
            )
            add_operation(row, "running", now)
            add_operation(shop.row, "succeeded", now - timedelta(minutes=n))
            events.record("instance.opened", actor=SYSTEM, subject=shop.row)
            Deployment.objects.create(
                instance=shop.row, number=100 + n, release="1.0", operation=uuid4()
            )
            LogLine.objects.create(
                operation=shop.operation, step_position=n % 10, at=now, text=f"line {n}"
            )
    server = Server.objects.get()
    for n in numbers:
        Placement.objects.create(
            schema=shop.isp.console, instance=uuid4(), instance_name="x", server=server, slot=50 + n
        )


def add_operation(row: Instance, status: str, now: Any) -> None:
    operation = Operation.objects.create(
        name="instances.deploy",
        title=f"Deploy {row}",
        subject_type="instance",
        subject_id=str(row.uuid),
        status=status,
        actor_kind="system",
        created_at=now,
    )
    Step.objects.bulk_create(
        Step(operation=operation, position=i, key=str(i), title=str(i)) for i in range(3)
    )
    Due.objects.create(
        schema="c_acme",
        kind="operation",
        subject=str(operation.uuid),
        title=operation.title,
        due_at=now,
        created_at=now,
    )


# These are found by themselves, and counted, in test_every_list.
_LIST = re.compile(r"/admin/(\w+/\w+/)?")


def test_pages_cost_the_same_queries_whatever_they_show(
    alice: Client, root: Client, running_shop: Shop
) -> None:
    """Of a console and of the operator, but for lists and homes."""
    asked = dict.fromkeys(console_pages(running_shop), alice)
    asked |= dict.fromkeys(operator_pages(running_shop), root)
    asked = {path: who for path, who in asked.items() if not _LIST.fullmatch(path)}
    assert len(asked) == 10
    crowd(running_shop, range(2))
    few = {path: cost(who, path) for path, who in asked.items()}
    crowd(running_shop, range(2, 15))
    many = {path: cost(who, path) for path, who in asked.items()}
    assert {path: (few[path], many[path]) for path in asked if many[path] > few[path]} == {}
