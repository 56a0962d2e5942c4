"""What goes wrong, really caused: what is said, what is kept, and that it goes on."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.alerts.models import Alert
from apps.certificates.models import AcmeAccount, Certificate, ChallengeAnswer, IssuedCertificate
from apps.certificates.services import call_due
from apps.fleet import expiring
from apps.fleet.models import Certificate as Served
from apps.tenancy.kinds import operator
from apps.work.models import Due
from tests.certificates.world import (
    APPS,
    BASE,
    eventually,
    hurry,
    plan,
    row,
    set_up,
    turn,
    until_valid,
)
from tests.dotmac.acme.authority import Authority, authority
from tests.dotmac.dns.server import DnsServer, running
from tests.notifications.conftest import show_events

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def own(
    live: str, server: DnsServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Authority]:
    """An authority of the test's own, set up; one certificate is wanted."""
    with authority(tmp_path_factory.mktemp("pebble"), dns=server.address) as made:
        set_up(made, server)
        plan()
        Certificate.objects.filter(name=APPS).update(next_at=None)
        yield made


def alerts() -> list[tuple[str, str, bool]]:
    """Kind, severity and whether it is over."""
    show_events("public")
    with operator():
        rows = Alert.objects.order_by("pk")
        return [(one.kind, one.severity, one.resolved_at is not None) for one in rows]


def test_an_authority_that_falls_silent_in_an_order_is_asked_for_the_same_one(
    own: Authority, server: DnsServer, settings: Any
) -> None:
    # A record that cannot be written stops the order right after it was made.
    server.stop()
    try:
        turn()
    finally:
        server.start()
    order = row().order_url
    assert order
    settings.ACME_TIMEOUT_S = 1.0
    own.freeze()
    hurry()
    turn()
    assert row().status == "failed"
    assert "did not answer in time" in row().last_error
    own.thaw()
    assert row().order_url == order
    settings.ACME_TIMEOUT_S = 20.0
    hurry()
    until_valid(BASE)
    assert own.orders() == 1


def test_a_dns_server_that_is_away_fails_the_try_and_not_the_order(
    own: Authority, server: DnsServer
) -> None:
    server.stop()
    try:
        turn()
        one = row()
        assert one.status == "failed"
        assert one.failures == 1
        assert "The DNS server 127.0.0.1 cannot be reached." in one.last_error
        assert one.next_at > timezone.now() + timedelta(seconds=30)
        assert Due.objects.get(kind="certificate").state == "waiting"
    finally:
        server.start()
    hurry()
    until_valid(BASE)
    assert own.orders() == 1
    assert row().last_error == ""
    assert ChallengeAnswer.objects.count() == 0


def test_a_worker_that_is_killed_in_an_order_leaves_it_to_the_next(
    live: str, server: DnsServer, tmp_path: Path
) -> None:
    slow = {"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "4"}
    with authority(tmp_path / "pebble", dns=server.address, **slow) as own:
        set_up(own, server)
        plan()
        Certificate.objects.filter(name=APPS).update(next_at=None)
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
        log = (tmp_path / "worker.log").open("wb")
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"],
            cwd=ROOT,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            with operator():
                call_due()
            eventually(lambda: row().order_url, "The order")
        finally:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(30)
        one = row()
        assert (one.status, own.orders()) == ("ordering", 1)
        # What the reaper does once the lease is over.
        Due.objects.filter(state="running").update(state="queued", lease_until=None)
        until_valid(BASE)
        assert own.orders() == 1
        assert IssuedCertificate.objects.count() == 1


def test_a_record_at_the_wrong_server_is_told_with_what_was_found(
    live: str, server: DnsServer, tmp_path: Path
) -> None:
    """The authority follows the delegation to one server, we write at another."""
    with (
        running(tmp_path / "dns") as elsewhere,
        authority(tmp_path / "pebble", dns=elsewhere.address) as own,
    ):
        set_up(own, server)
        plan()
        Certificate.objects.filter(name=APPS).update(next_at=None)
        turn()
        eventually(lambda: turn() == [] or row().status == "failed", "The refusal")
        one = row()
        assert one.status == "failed"
        assert one.last_error.startswith(BASE) or one.last_error.startswith(f"*.{BASE}")
        assert f"_acme-challenge.{BASE}" in one.last_error
        assert f"TXT records of _acme-challenge.{BASE}: {server.address} has " in one.last_error
        # Nothing is left of it, and the next try is another order.
        assert (one.order_url, one.order_key) == ("", "")
        assert ChallengeAnswer.objects.count() == 0
        assert server.txt(f"_acme-challenge.{BASE}") == []
        hurry()
        turn()
        assert own.orders() == 2


def test_an_authority_that_takes_its_time_is_come_back_to(
    live: str, server: DnsServer, tmp_path: Path, settings: Any
) -> None:
    settings.ACME_PATIENCE_S = 0.0
    slow = {"PEBBLE_VA_NOSLEEP": "0", "PEBBLE_VA_SLEEPTIME": "3"}
    with authority(tmp_path, dns=server.address, **slow) as own:
        set_up(own, server)
        plan()
        Certificate.objects.filter(name=APPS).update(next_at=None)
        turn()
        one = row()
        assert (one.status, one.failures) == ("ordering", 0)
        assert Due.objects.get(kind="certificate").state == "waiting"
        until_valid(BASE)
        assert own.orders() == 1


def test_nonces_that_are_refused_do_not_fail_a_try(
    live: str, server: DnsServer, tmp_path: Path
) -> None:
    with authority(tmp_path, dns=server.address, PEBBLE_WFE_NONCEREJECT="30") as own:
        set_up(own, server)
        plan()
        until_valid(BASE, APPS)
        assert IssuedCertificate.objects.count() == 2
        failures = [one.last_error for one in Certificate.objects.exclude(failures=0)]
        assert failures == []


def test_an_authority_that_lost_everything_has_another_root_and_is_taken(
    own: Authority, server: DnsServer
) -> None:
    until_valid(BASE)
    account, first = AcmeAccount.objects.get().account_url, row().issuer
    own.kill()
    own.start()
    now = timezone.now()
    Certificate.objects.filter(name=BASE).update(renew_at=now, next_at=now)
    turn()
    assert "registered again" in row().last_error
    hurry()
    until_valid(BASE)
    assert AcmeAccount.objects.get().account_url != account or row().issuer != first
    assert row().issuer != first
    chain = Served.objects.get(name=BASE).chain
    assert chain == IssuedCertificate.objects.filter(certificate=row())[0].chain
    assert chain.count("BEGIN CERTIFICATE") == 2


def test_three_failures_in_a_row_are_told_once_and_so_is_their_end(
    own: Authority, server: DnsServer
) -> None:
    User.objects.create_user(f"olga{os.getpid()}@dotmac.example", is_staff=True, is_superuser=True)
    server.stop()
    try:
        for _try in range(4):
            assert alerts() == ([] if _try < 3 else [("certificate.failing", "warning", False)])
            turn()
            hurry()
        (alert,) = Alert.objects.all()
        assert alert.heading == f"The certificate for {BASE} is not obtained"
        assert "failed 3 times. The DNS server" in alert.body
        assert f"/admin/certificates/certificate/{row().pk}/" in alert.url
    finally:
        server.start()
    until_valid(BASE)
    assert alerts() == [("certificate.failing", "warning", True)]


def test_a_certificate_that_nobody_renewed_is_told_before_and_after_its_end(
    own: Authority, server: DnsServer
) -> None:
    User.objects.create_user(f"otto{os.getpid()}@dotmac.example", is_staff=True, is_superuser=True)
    until_valid(BASE)
    with operator():
        assert expiring.tell() == 0
    now, served = timezone.now(), Served.objects.filter(name=BASE)
    ends = now + timedelta(days=13)
    served.update(expires_at=ends, warn_at=ends - timedelta(days=14))
    for _look in range(2):
        with operator():
            expiring.tell()
        assert alerts() == [("certificate.expiring", "warning", False)]
    served.update(expires_at=now - timedelta(seconds=1))
    with operator():
        expiring.tell()
    told = ("certificate.ended", "critical", False)
    assert alerts() == [("certificate.expiring", "warning", False), told]
    Certificate.objects.filter(name=BASE).update(renew_at=now, next_at=now)
    until_valid(BASE)
    eventually(lambda: turn() == [] and served.get().expires_at > now, "The renewal")
    with operator():
        expiring.tell()
    assert [is_over for _kind, _severity, is_over in alerts()] == [True, True]


def test_who_asks_to_wait_is_left_alone_by_all(
    live: str, pebble: Authority, server: DnsServer
) -> None:
    asked: list[str] = []

    class Limit(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(429)
            self.send_header("Retry-After", "7200")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    limit = ThreadingHTTPServer(("127.0.0.1", 0), Limit)
    threading.Thread(target=limit.serve_forever, args=(0.05,), daemon=True).start()
    try:
        set_up(pebble, server)
        AcmeAccount.objects.update(own_directory=f"http://127.0.0.1:{limit.server_port}/dir")
        plan()
        turn()
        later = timezone.now() + timedelta(seconds=7000)
        assert AcmeAccount.objects.get().paused_until > later
        for one in Certificate.objects.all():
            assert one.next_at > later
        hurry()
        turn()
        assert len(asked) == 1
    finally:
        limit.shutdown()
        limit.server_close()
