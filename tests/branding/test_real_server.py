"""Mails against a real SMTP server: one that refuses, throttles, hangs, hangs up or bounces."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.utils import timezone

from apps.accounts.models import User
from apps.branding.models import MailDay, PostedMail, Sender
from apps.branding.post import GIVEN_UP_AFTER, PAUSES_S
from apps.notifications.constants import PAUSES_S as NOTICE_PAUSES_S
from apps.notifications.models import Delivery, Suppressed
from apps.tenancy.kinds import schema_of
from apps.work.models import Due
from tests.accounts.browser import Browser
from tests.accounts.people import FRONT, somebody
from tests.branding.real_server import Moods, real_server
from tests.conftest import Isp
from tests.notifications.conftest import alice, tell

__all__ = ["alice", "tell"]

pytestmark = pytest.mark.django_db
RunDue = Callable[[], list[str]]
# The worker is what these tests are about (tests/conftest.py).
posts = True
THROTTLED = ["421 4.7.0 Too many connections", "450 4.2.1 Try later", "451 4.7.1 Greylisted"]
UNKNOWN = "550 5.1.1 No such user"


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def server(settings: Any) -> Iterator[Moods]:
    """The installation's mail server."""
    with real_server() as moods:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", moods.port
        settings.EMAIL_TIMEOUT = 0.5
        yield moods


@pytest.fixture
def posted(server: Moods) -> None:
    """A link to a new password that waits for a worker."""
    somebody(FRONT, "dora")
    form = {"email": "dora@example.net"}
    Browser().submit(f"{FRONT}/accounts/password/reset/", form, follow=False)


def due() -> Due:
    return Due.objects.get(kind="mail")


def pause() -> float:
    """Seconds until it is tried again."""
    return (due().due_at - timezone.now()).total_seconds()


def all_due() -> None:
    Due.objects.update(due_at="2020-01-01T00:00Z")


def again(run_due: RunDue) -> None:
    all_due()
    run_due()


class TestMailsThatSomebodyWaitsFor:
    def test_it_arrives_whole(self, posted: None, server: Moods, run_due: RunDue) -> None:
        run_due()
        (sent,) = server.mails
        parsed = message_from_bytes(sent, policy=policy.default)
        assert parsed["To"] == "dora@example.net"
        text = parsed.get_body(("plain",))
        assert text
        assert f"{FRONT}/accounts/password/reset/key/" in text.get_content()
        assert server.asked == ["dora@example.net"]

    def test_one_that_throttles_is_asked_less_often_and_gets_it_once(
        self, posted: None, server: Moods, run_due: RunDue
    ) -> None:
        server.rcpt = list(THROTTLED)
        for number, _said in enumerate(THROTTLED):
            again(run_due)
            assert (due().state, server.mails) == ("waiting", [])
            assert PAUSES_S[number] - 2 <= pause() <= PAUSES_S[number]
        # Not before its time.
        run_due()
        assert len(server.asked) == 3
        again(run_due)
        again(run_due)
        assert (due().state, len(server.mails), len(server.asked)) == ("done", 1, 4)
        with schema_of("public"):
            assert not PostedMail.objects.exists()
            # What did not leave counts for nobody's day.
            assert MailDay.objects.get().security == 1

    @pytest.mark.parametrize("step", ["connect", "rcpt", "data"])
    @pytest.mark.parametrize("what", ["hang", "close"])
    def test_one_that_hangs_or_hangs_up_gets_it_once(
        self, posted: None, server: Moods, run_due: RunDue, step: str, what: str
    ) -> None:
        server.does = {step: what}
        run_due()
        assert (due().state, server.mails) == ("waiting", [])
        assert due().reason.startswith("The mail server did not take it: ")
        again(run_due)
        again(run_due)
        assert (due().state, len(server.mails)) == ("done", 1)

    def test_one_that_takes_it_and_hangs_up_does_not_get_it_twice(
        self, posted: None, server: Moods, run_due: RunDue
    ) -> None:
        server.does, server.is_lasting = {"quit": "close"}, True
        run_due()
        again(run_due)
        assert (due().state, len(server.mails)) == ("done", 1)

    def test_one_that_says_later_at_the_end_gets_it_once(
        self, posted: None, server: Moods, run_due: RunDue
    ) -> None:
        server.data = ["451 4.3.0 Queue is full", "452 4.3.1 Disk is full"]
        run_due()
        again(run_due)
        assert (due().state, server.mails) == ("waiting", [])
        again(run_due)
        again(run_due)
        assert (due().state, len(server.mails)) == ("done", 1)

    def test_an_address_that_is_none_is_asked_for_once(
        self, posted: None, server: Moods, run_due: RunDue
    ) -> None:
        server.rcpt = [UNKNOWN] * 5
        run_due()
        again(run_due)
        assert (due().state, server.mails, len(server.asked)) == ("done", [], 1)

    def test_one_that_never_takes_it_is_given_up(
        self, posted: None, server: Moods, run_due: RunDue
    ) -> None:
        server.does, server.is_lasting = {"connect": "close"}, True
        for _turn in range(len(PAUSES_S) + 1):
            again(run_due)
        assert due().state == "waiting"
        assert PAUSES_S[-1] - 2 <= pause() <= PAUSES_S[-1]
        with schema_of("public"):
            late = timezone.now() - GIVEN_UP_AFTER - timedelta(seconds=1)
            PostedMail.objects.update(created_at=late)
        again(run_due)
        assert due().state == "failed"
        with schema_of("public"):
            assert not PostedMail.objects.exists()

    def test_where_the_own_server_throttles_it_leaves_by_the_other_once(
        self, posted: None, server: Moods, run_due: RunDue
    ) -> None:
        with real_server() as own, schema_of("public"):
            Sender.objects.create(
                address="post@own.example", host="127.0.0.1", port=own.port, security="none",
                is_on=True,
            )  # fmt: skip
            own.rcpt = [THROTTLED[2]]
            run_due()
            again(run_due)
        assert (own.mails, len(own.asked), len(server.mails)) == ([], 1, 1)
        assert b"post@own.example" not in server.mails[0]


@pytest.fixture
def rain(tell: Callable[..., object], server: Moods) -> Moods:
    """The server, to which a notice is under way."""
    tell("Rain")
    return server


class TestNotices:
    def delivery(self, acme: Isp) -> Delivery:
        with schema_of(acme.console):
            return Delivery.objects.get()

    def suppressed(self, acme: Isp) -> list[str]:
        with schema_of(acme.console):
            return list(Suppressed.objects.values_list("address", flat=True))

    def sent_today(self, acme: Isp) -> int:
        with schema_of(acme.console):
            return MailDay.objects.get().sent

    def test_one_that_throttles_gets_it_later_and_once(
        self, acme: Isp, tell: Callable[..., object], server: Moods, run_due: RunDue
    ) -> None:
        tell("Rain")
        server.rcpt = list(THROTTLED)
        for _said in THROTTLED:
            again(run_due)
            assert (self.delivery(acme).status, server.mails) == ("queued", [])
        again(run_due)
        again(run_due)
        assert (self.delivery(acme).status, len(server.mails)) == ("sent", 1)
        assert (self.sent_today(acme), self.suppressed(acme)) == (1, [])

    def test_one_that_never_stops_throttling_is_given_up_and_nobody_is_suppressed(
        self, acme: Isp, tell: Callable[..., object], server: Moods, run_due: RunDue
    ) -> None:
        tell("Rain")
        server.rcpt = ["451 4.7.1 Greylisted"] * 50
        for _turn in range(len(NOTICE_PAUSES_S) + 3):
            again(run_due)
        assert self.delivery(acme).status == "failed"
        assert len(server.asked) == len(NOTICE_PAUSES_S) + 1
        assert (self.sent_today(acme), self.suppressed(acme)) == (0, [])

    def test_an_address_that_is_none_is_never_written_to_again(
        self, acme: Isp, alice: User, tell: Callable[..., object], server: Moods, run_due: RunDue
    ) -> None:
        tell("Rain")
        server.rcpt = [UNKNOWN]
        run_due()
        again(run_due)
        assert self.delivery(acme).status == "failed"
        assert self.suppressed(acme) == [alice.email]
        tell("Hail")
        run_due()
        assert (server.mails, len(server.asked)) == ([], 1)
        assert self.sent_today(acme) == 0

    @pytest.mark.parametrize(
        ("said", "is_none"),
        [("554 5.1.1 No such user", True), ("554 5.7.1 Looks like spam", False)],
    )
    def test_one_that_refuses_what_it_has_read_is_not_asked_again(
        self, acme: Isp, rain: Moods, run_due: RunDue, said: str, is_none: bool
    ) -> None:
        rain.data = [said]
        run_due()
        again(run_due)
        assert (self.delivery(acme).status, len(rain.asked)) == ("failed", 1)
        assert "554" in self.delivery(acme).error
        assert self.suppressed(acme) == (["alice@example.net"] if is_none else [])

    def test_one_that_relays_for_nobody_says_nothing_about_the_address(
        self, acme: Isp, tell: Callable[..., object], server: Moods, run_due: RunDue
    ) -> None:
        tell("Rain")
        server.rcpt = ["550 5.7.1 Relaying denied"]
        run_due()
        assert (self.delivery(acme).status, self.suppressed(acme)) == ("failed", [])
        tell("Hail")
        run_due()
        assert len(server.mails) == 1

    @pytest.mark.parametrize("step", ["connect", "rcpt", "data"])
    @pytest.mark.parametrize("what", ["hang", "close"])
    def test_one_that_hangs_or_hangs_up_gets_it_once(
        self, acme: Isp, rain: Moods, run_due: RunDue, step: str, what: str
    ) -> None:
        rain.does = {step: what}
        run_due()
        assert (self.delivery(acme).status, rain.mails) == ("queued", [])
        again(run_due)
        again(run_due)
        assert (self.delivery(acme).status, len(rain.mails)) == ("sent", 1)
        assert self.sent_today(acme) == 1
        assert mail.outbox == []
