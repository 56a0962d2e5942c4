"""What the pages cost: the same queries, however much they show."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.events import services as events
from apps.events.actors import SYSTEM, Subject
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


@pytest.mark.parametrize("number", range(11))
def test_a_page_of_a_console_costs_the_same_queries_whatever_it_shows(
    alice: Client, running_shop: Shop, number: int
) -> None:
    path = console_pages(running_shop)[number]
    crowd(running_shop, range(2))
    cost(alice, path)
    few = cost(alice, path)
    crowd(running_shop, range(2, 15))
    assert cost(alice, path) <= few


@pytest.mark.parametrize("number", range(8))
def test_a_page_of_the_operator_costs_the_same_queries_whatever_it_shows(
    root: Client, running_shop: Shop, number: int
) -> None:
    path = operator_pages(running_shop)[number]
    crowd(running_shop, range(1))
    cost(root, path)
    few = cost(root, path)
    crowd_more(running_shop)
    assert cost(root, path) <= few


def crowd_more(shop: Shop) -> None:
    now = timezone.now()
    server = Server.objects.get()
    with schema_of(shop.isp.console):
        for n in range(15):
            subject = Subject("demo", f"{n}", f"demo {n}")
            events.record("demo.happened", actor=SYSTEM, subject=subject)
    for n in range(15):
        Placement.objects.create(
            schema="c_acme", instance=uuid4(), instance_name="x", server=server, slot=100 + n
        )
        Due.objects.create(
            schema="c_acme",
            kind="operation",
            subject=f"{uuid4()}",
            title="x",
            due_at=now,
            created_at=now,
        )
