"""A console's first page says what is worst, and shows no more than somebody can look at."""

from copy import copy
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from apps.instances.models import Instance
from apps.operations.models import Operation
from apps.tenancy.kinds import schema_of
from tests.instances.world import Shop
from tests.pages.conftest import alice

__all__ = ["alice"]


def more_like(shop: Shop, names: list[str], **changed: str) -> None:
    """Instances that differ from the shop in their names, and in what is said."""
    rows = []
    for name in names:
        row = copy(shop.row)
        row.pk, row.uuid, row.name, row.external_id = None, uuid4(), name, ""
        row.hostname = f"{row.uuid.hex}.localhost"
        for field, value in changed.items():
            setattr(row, field, value)
        rows.append(row)
    with schema_of(shop.isp.console):
        Instance.objects.bulk_create(rows)


def test_the_most_urgent_come_first_and_all_are_counted(alice: Client, running_shop: Shop) -> None:
    more_like(running_shop, [f"Calm {n:02}" for n in range(20)])
    more_like(running_shop, ["Zebra"], status="suspended")
    page = alice.get("/admin/")
    names = [one["name"] for one in page.context["instances"]]
    assert (len(names), names[0], names[1]) == (12, "Zebra", "Calm 00")
    assert page.context["headline"]["title"] == "Zebra is suspended"
    (stat,) = (one for one in page.context["stats"] if one.label == "Instances that run")
    assert stat.value == "21 / 22"
    assert page.context["instances_url"] in page.content.decode()
    more_like(running_shop, ["Yak"], status="failed")
    page = alice.get("/admin/")
    assert page.context["headline"]["title"] == "Yak could not be deployed"
    assert page.context["instances"][0]["name"] == "Yak"


def test_a_last_change_that_failed_is_told_and_one_before_it_is_not(
    alice: Client, running_shop: Shop
) -> None:
    with schema_of(running_shop.isp.console):
        last = running_shop.operation
        Operation.objects.filter(pk=last.pk).update(status="failed", cause="The disk is full.")
    (need,) = alice.get("/admin/").context["needs"]
    assert need["text"] == "The disk is full."
    assert alice.get("/admin/").context["headline"]["tone"] == "warn"
    with schema_of(running_shop.isp.console):
        Operation.objects.create(
            name=last.name, title=last.title, subject_type=last.subject_type,
            subject_id=last.subject_id, subject_label=last.subject_label, status="succeeded",
            created_at=timezone.now(),
        )  # fmt: skip
    assert alice.get("/admin/").context["needs"] == []
