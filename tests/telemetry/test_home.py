"""The operator's first page tells whether the platform's own processes keep up."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from apps.tenancy.kinds import operator
from apps.work import services as work
from apps.work.models import Beat, Due
from tests.pages.conftest import platform, root

__all__ = ["platform", "root"]


def home(client: Client) -> str:
    """The page as it is read, whatever its lines are."""
    return " ".join(client.get("/admin/").content.decode().split())


def test_small_panels_tell_of_work_sealing_mails_and_the_clock(root: Client) -> None:
    page = home(root)
    for title in ("Work that is due", "Events to seal", "Mails that wait", "Clock"):
        assert title in page
    assert "The clock has stood still" not in page


def test_what_stands_still_needs_somebody(root: Client) -> None:
    long_ago = timezone.now() - timedelta(minutes=30)
    with operator():
        Beat.objects.create(name="work.wake", ticked_at=long_ago)
        due = work.enqueue("retention", "all", title="x")
        Due.objects.filter(pk=due.pk).update(due_at=long_ago)
    page = home(root)
    assert "The clock has stood still for 30 min" in page
    assert "1 piece of work is due and no worker takes it" in page
    with operator():
        Beat.objects.update(ticked_at=timezone.now())
        Due.objects.filter(pk=due.pk).delete()
    page = home(root)
    assert "The clock has stood still" not in page
    assert "no worker takes" not in page
