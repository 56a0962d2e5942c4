"""What a certificate counts is counted: files, their bytes, and what books are kept of."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.utils import timezone

from apps.tenancy.files import folder_of
from apps.tenancy.kinds import PUBLIC, schema_of
from apps.tenants.erasing.certificates import certify, faults, said
from apps.tenants.erasing.files import counting
from apps.tenants.erasing.registry import settle_books
from apps.tenants.erasing.services import traces_of_organisation
from apps.tenants.models import Erasure, Organisation


def test_files_that_went_are_counted_with_their_bytes(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    for name in ("w_acme", PUBLIC):
        (folder_of(name) / "exports").mkdir(parents=True)
    gone, stays = folder_of("w_acme") / "list.csv", folder_of(PUBLIC) / "exports/other.dotmac"
    asked = folder_of(PUBLIC) / "exports/acme.dotmac"
    for file, text in ((gone, "12345"), (asked, "123"), (stays, "1")):
        file.write_text(text)
    with counting("w_acme") as found:
        gone.unlink()
        asked.unlink()
    assert (found.files, found.size) == (2, 8)


def test_who_keeps_the_books_says_what_stays_and_the_server_when_its_logs_end(
    northwind: Organisation, settings: Any
) -> None:
    with schema_of(PUBLIC):
        traces = traces_of_organisation(northwind)
        assert settle_books(traces, traces.pattern()).kept == 0
        customer = apps.get_model("djstripe", "Customer")
        invoice = apps.get_model("djstripe", "Invoice")
        theirs = customer.objects.create(id="cus_1", subscriber=northwind)
        invoice.objects.create(id="in_1", customer=theirs)
        invoice.objects.create(id="in_2", customer=customer.objects.create(id="cus_2"))
        assert settle_books(traces, traces.pattern()).kept == 1
        # Another call is of nobody any more.
        assert settle_books(traces, traces.pattern()).kept == 0
        settings.LOG_DAYS = 30
        now = timezone.now()
        erasure = Erasure.objects.create(
            organisation=northwind.uuid,
            name="Northwind",
            slug="northwind-gone",
            asked_by="owner",
            asked_at=now,
            counts={"kept": {"invoices_and_payments": 1}},
        )
        certificate = said(certify(erasure))
        assert "the counts say how many" in certificate["kept"][-1]
        assert timedelta(days=30) < erasure.logs_until - now < timedelta(days=32)
        assert certificate["logs_until"].startswith(f"{erasure.logs_until:%Y-%m-%d}")
        erasure.counts = {}
        settings.LOG_DAYS = 0
        certificate = said(certify(erasure))
        assert "there were none" in certificate["kept"][-1]
        assert certificate["logs_until"] is None
        assert "What is shown" not in " ".join(faults(erasure))
