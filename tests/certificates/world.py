"""An operator with a real authority and a real DNS, and a worker's turns in this process."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.handlers.wsgi import WSGIHandler
from django.utils import timezone

from apps.certificates import planning, services
from apps.certificates.accounts import (
    AccountSecrets,
    AccountWords,
    account_as_it_is,
    save_account,
)
from apps.certificates.constants import KIND
from apps.certificates.models import AcmeAccount, Certificate
from apps.events.actors import SYSTEM
from apps.tenancy.kinds import operator
from apps.work.jobs import run as run_job
from apps.work.models import Due
from tests.dotmac.acme.authority import Authority
from tests.dotmac.dns.server import KEY_NAME, DnsServer

BASE, APPS = "dotmac.localhost", "apps.localhost"


def set_up(pebble: Authority, server: DnsServer | None = None, **changes: object) -> AcmeAccount:
    """Certificates come from this authority, by DNS where there is a server."""
    own: dict[str, object] = {
        "authority": "own",
        "own_directory": pebble.directory,
        "email": "ops@dotmac.example",
        "accepts_terms": True,
        "roots": pebble.roots,
        "is_on": True,
    }
    if server is not None:
        own |= {
            "dns_kind": "rfc2136",
            "dns_server": server.address,
            "dns_key_name": KEY_NAME,
            "dns_nameservers": server.address,
        }
    secrets = AccountSecrets(dns_secret=server.secret if server else None)
    words = AccountWords(**{**own, **changes})  # type: ignore[arg-type]
    with operator():
        version = account_as_it_is().version
        return save_account(words, secrets, version=version, actor=SYSTEM)


def plan() -> None:
    """What the clock does about which certificates there should be."""
    with operator():
        planning.plan()


def turn() -> list[str]:
    """What the clock and the workers do now, once for each that is due."""
    with operator():
        services.call_due()
        due = Due.objects.filter(kind=KIND, due_at__lte=timezone.now())
        ids = list(due.filter(state__in=["queued", "waiting"]).values_list("pk", flat=True))
    return [run_job(str(pk)) for pk in ids]


def hurry() -> None:
    """What waits for its next try is due now."""
    before = timezone.now() - timedelta(seconds=1)
    Due.objects.filter(kind=KIND, state="waiting").update(due_at=before)
    Certificate.objects.exclude(next_at=None).exclude(status="valid").update(next_at=before)


def row(name: str = BASE) -> Certificate:
    return Certificate.objects.get(name=name)


def until_valid(*names: str, seconds: float = 60) -> None:
    """Turns of workers until the certificates are there; those that wait are hurried."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        turn()
        rows = list(Certificate.objects.filter(name__in=names))
        if len(rows) == len(names) and all(one.status == "valid" for one in rows):
            return
        hurry()
        time.sleep(0.05)
    raise AssertionError([(one.name, one.status, one.last_error) for one in rows])


def eventually(is_so: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Poll until it is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"{what} did not come in time."
        time.sleep(0.01)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@contextmanager
def serving(port: int) -> Iterator[None]:
    """The web process with all its middleware, for what the authority asks."""
    server: WSGIServer = make_server("127.0.0.1", port, WSGIHandler(), handler_class=_Quiet)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
