"""What lay on a server that is lost for good is named by the certificate as not proven erased."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.core.mailbox import messages
from apps.events.actors import SYSTEM
from apps.fleet import engines, probes, services
from apps.fleet.edge import edge
from apps.fleet.models import Server
from apps.tenancy.kinds import operator
from apps.tenants.erasing.again import know_of
from apps.tenants.erasing.certificates import as_json, faults, unproven_of
from apps.tenants.models import Erasure
from tests.pages.conftest import signed_in
from tests.tenants.erasable import OWNER, close_and_wait, fill, rows_that_say, words_of

pytestmark = pytest.mark.django_db
RunDue = Callable[[], list[str]]
REASON = "The machine burnt down."


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.EMAIL_BACKEND = "apps.core.mailbox.MailboxBackend"
    yield
    engines.forget()
    edge.cache_clear()


def lose() -> None:
    with operator():
        services.declare_lost(Server.objects.get(name="one"), reason=REASON, actor=SYSTEM)


def test_what_lay_on_it_is_named_as_not_proven(run_due: RunDue) -> None:
    organisation, shop = fill()
    run_due()
    assert shop.containers.keys() == {"web-1", "db"}
    host = shop.engine.host
    host.unreachable = True
    with operator():
        probes.probe_all()
        probes.probe_all()
    close_and_wait(organisation)
    run_due()
    # Until the operator says so, it is waited for.
    assert "does not answer" in shop.operation.waits_for
    lose()
    run_due()
    with operator():
        certificate = Erasure.objects.get()
        assert certificate.erased_at is not None
        assert faults(certificate) == []
        (one,) = certificate.unproven
        said = unproven_of(certificate)
        kept = as_json(certificate)
    assert (one["server"], one["reason"]) == ("one", REASON)
    assert one["containers"] == [shop.name("db"), shop.name("web-1")]
    assert one["volumes"] == [shop.name("data"), shop.name("files")]
    assert "volumes" not in certificate.counts["containers"]
    assert set(rows_that_say(words_of(organisation))) == {"public.tenants_erasure"}
    _assert_told(certificate, shop.name("data"))
    with operator():
        # As another database learns of it.
        Erasure.objects.all().delete()
        again = know_of(kept.encode())
        assert again is not None
        assert unproven_of(again) == said
        assert faults(again) == []


def _assert_told(certificate: Erasure, name: str) -> None:
    root = signed_in("dotmac.localhost", "public", "judge@dotmac.example")
    for page in ("change", "print"):
        said = root.get(f"/admin/tenants/erasure/{certificate.pk}/{page}/").content.decode()
        assert "Not proven erased" in said
        assert REASON in said
        assert name in said
    with operator():
        mail = messages()[0]
    assert mail["to"] == OWNER
    assert "What lay on one is not proven erased" in mail["text"].replace("\n", " ")
    out = StringIO()
    call_command("verify_erasure", str(certificate.uuid), stdout=out)
    assert f"Not proven erased, on one ({REASON})" in out.getvalue()


def test_an_archived_one_left_volumes_only(run_due: RunDue) -> None:
    organisation, shop = fill()
    run_due()
    shop.change("archive")
    run_due()
    shop.engine.host.unreachable = True
    with operator():
        probes.probe_all()
        probes.probe_all()
    lose()
    close_and_wait(organisation)
    run_due()
    with operator():
        (one,) = Erasure.objects.get().unproven
    assert one["containers"] == []
    assert one["volumes"] == [shop.name("data"), shop.name("files")]


def test_what_was_cleared_after_it_came_back_is_proven(run_due: RunDue) -> None:
    organisation, shop = fill()
    run_due()
    host = shop.engine.host
    for is_away in (True, False):
        host.unreachable = is_away
        with operator():
            probes.probe_all()
            probes.probe_all()
        if is_away:
            lose()
    with operator():
        services.remove_leftovers(Server.objects.get(name="one"), actor=SYSTEM)
    run_due()
    assert host.volumes == {}
    close_and_wait(organisation)
    run_due()
    with operator():
        certificate = Erasure.objects.get()
    assert certificate.erased_at is not None
    assert certificate.unproven == []
