"""A home lists a few of each sort of trouble, however many there are."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.portal.needs import MOST, first_few, need
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.work.models import Due
from tests.pages.conftest import engine, platform, root

__all__ = ["engine", "platform", "root"]


def fail(count: int) -> None:
    now = timezone.now()
    with schema_of(PUBLIC):
        Due.objects.bulk_create(
            Due(
                schema=PUBLIC, kind="operation", subject=f"{n}", title=f"Work {n}", state="failed",
                created_at=now - timedelta(minutes=n), due_at=now,
            )
            for n in range(count)
        )  # fmt: skip


@pytest.mark.parametrize(
    ("count", "lines"), [(0, 0), (MOST, MOST), (MOST + 1, MOST + 1), (40, MOST + 1)]
)
def test_the_rest_is_behind_a_line(
    operator_schema: None, django_assert_num_queries, count: int, lines: int
) -> None:
    fail(count)
    rows = Due.objects.filter(state="failed").order_by("-created_at")
    # The first query in a schema goes there, too.
    assert rows.count() == count
    with django_assert_num_queries(1):
        found = first_few(rows, lambda due: need(due.title, tone="bad"), listed="/all/")
    assert len(found) == lines
    assert ["/all/"] * (count > MOST) == [one["url"] for one in found if one["url"]]


def test_the_operator_s_home_is_short_when_all_fails(root: Client) -> None:
    fail(300)
    page = root.get("/admin/")
    failed = [one["title"] for one in page.context["needs"] if one["title"].startswith("Work ")]
    assert failed == [f"Work {n}" for n in range(MOST)]
