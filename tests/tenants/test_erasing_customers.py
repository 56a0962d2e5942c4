"""Whom an organisation was to the provider of payments: its books stay, and nothing else."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import formats

from apps.core.mailbox import messages
from apps.core.zones import day_in
from apps.fleet import engines
from apps.fleet.edge import edge
from apps.operations.models import Operation
from apps.tenancy.kinds import operator
from apps.tenants.erasing.certificates import all_faults, said
from apps.tenants.erasing.services import PIPELINE
from apps.tenants.models import Erasure, Organisation
from tests.tenants.erasable import (
    CLERK,
    OWNER,
    ZEPHYR,
    close_and_wait,
    fill,
    rows_that_say,
    words_of,
)

pytestmark = pytest.mark.django_db
RunDue = Callable[[], list[str]]
_PARTS = {f"public.djstripe_{name}" for name in ("invoice", "charge", "lineitem", "paymentintent")}


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.VAR_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.EMAIL_BACKEND = "apps.core.mailbox.MailboxBackend"
    settings.LOG_DAYS = 30
    yield
    engines.forget()
    edge.cache_clear()


@pytest.fixture
def organisation() -> Organisation:
    """Zephyr, with something in everything."""
    return fill()[0]


def rows(name: str) -> Any:
    """All of a model of dj-stripe."""
    return apps.get_model("djstripe", name).objects


def customer(key: str, **facts: Any) -> Any:
    data = {"id": key, "object": "customer", **facts.pop("said", {})}
    return rows("Customer").create(id=key, stripe_data=data, **facts)


def subscribe(theirs: Any) -> tuple[Any, Any]:
    """A subscription with an item, paid by a card; returns both."""
    key = theirs.id.removeprefix("cus_")
    plan = rows("Product").create(id=f"prod_{key}", name="Professional")
    price = rows("Price").create(id=f"price_{key}", active=True, product=plan)
    card = rows("PaymentMethod").create(
        id=f"pm_{key}", customer=theirs, stripe_data={"billing_details": {"email": theirs.email}}
    )
    theirs.default_payment_method = card
    theirs.save()
    subscription = rows("Subscription").create(id=f"sub_{key}", customer=theirs)
    item = rows("SubscriptionItem").create(id=f"si_{key}", price=price, subscription=subscription)
    said = {"object": {"customer": theirs.id}}
    rows("Event").create(id=f"evt_{key}", type="customer.updated", data=said)
    rows("WebhookEventTrigger").create(
        remote_ip="192.0.2.1", headers={}, body=f'{{"customer": "{theirs.id}"}}'
    )
    return subscription, item


def charge(theirs: Any, subscription: Any, item: Any) -> None:
    """An invoice of it that was paid."""
    key = theirs.id.removeprefix("cus_")
    words = {"customer": theirs.id, "customer_email": OWNER, "metadata": {"slug": ZEPHYR.slug}}
    intent = rows("PaymentIntent").create(
        id=f"pi_{key}", customer=theirs, stripe_data={"receipt_email": OWNER}
    )
    invoice = rows("Invoice").create(
        id=f"in_{key}", customer=theirs, payment_intent=intent, subscription=subscription,
        stripe_data=words,
    )  # fmt: skip
    rows("LineItem").create(
        id=f"il_{key}", subscription=subscription, subscription_item=item, stripe_data=words
    )
    rows("Charge").create(
        id=f"ch_{key}", customer=theirs, invoice=invoice, payment_intent=intent, stripe_data=words,
        amount=Decimal("49.00"), currency="sek", status="succeeded",
    )  # fmt: skip


def erase(organisation: Organisation, run_due: RunDue) -> Erasure:
    """After its days of grace, by a worker; returns the certificate."""
    with connection.cursor() as cursor:
        # A table with checks that wait for the end of this test's transaction cannot be dropped.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    close_and_wait(organisation)
    run_due()
    with operator():
        assert Operation.objects.filter(name=PIPELINE).latest("pk").cause == ""
        return Erasure.objects.get()


def test_a_customer_that_was_never_charged_goes_with_all_that_is_its(
    organisation: Organisation, run_due: RunDue
) -> None:
    with operator():
        other = Organisation.objects.exclude(pk=organisation.pk).get()
        subscribe(customer("cus_linked", subscriber=organisation, email=OWNER))
        customer("cus_named", said={"name": ZEPHYR.name})
        customer("cus_noted", metadata={"organisation": str(organisation.uuid)})
        # Known by its people alone, once these are gone.
        customer("cus_clerk", email=CLERK)
        subscribe(customer("cus_other", subscriber=other, said={"name": other.name}))
    certificate = erase(organisation, run_due)
    assert set(rows_that_say(words_of(organisation))) == {"public.tenants_erasure"}
    with operator():
        for name, left in (("Customer", "cus"), ("Subscription", "sub"), ("Event", "evt")):
            assert [one.id for one in rows(name).all()] == [f"{left}_other"], name
        assert [one.id for one in rows("PaymentMethod").all()] == ["pm_other"]
        assert rows("WebhookEventTrigger").count() == 1
        assert rows("Customer").get().subscriber == other
    assert certificate.counts["rows"]["djstripe.customer"] == 4
    assert "there were none" in said(certificate)["kept"][-1]


def test_invoices_and_payments_stay_of_a_customer_without_a_name(
    organisation: Organisation, run_due: RunDue
) -> None:
    with operator():
        theirs = customer(
            "cus_paid",
            subscriber=organisation,
            email=OWNER,
            metadata={"slug": ZEPHYR.slug},
            said={"name": ZEPHYR.name, "email": OWNER, "phone": "+47 22 00 00 00"},
        )
        charge(theirs, *subscribe(theirs))
    certificate = erase(organisation, run_due)
    found = set(rows_that_say([*words_of(organisation), OWNER]))
    assert found <= {"public.tenants_erasure", *_PARTS}, found
    with operator():
        kept = rows("Customer").get()
        assert kept.stripe_data == {"id": "cus_paid", "object": "customer", "deleted": True}
        assert (kept.subscriber, kept.email, kept.metadata) == (None, "", None)
        assert kept.date_purged is not None
        (invoice,) = rows("Invoice").all()
        assert invoice.customer == kept
        assert invoice.stripe_data["customer_email"] == OWNER
        for name in ("Charge", "PaymentIntent", "LineItem"):
            assert rows(name).count() == 1, name
        for name in ("PaymentMethod", "Subscription", "SubscriptionItem", "Event"):
            assert not rows(name).exists(), name
        assert certificate.counts["kept"] == {"invoices_and_payments": 2}
        assert "the counts say how many" in said(certificate)["kept"][-1]
        assert all_faults(certificate) == []


def test_the_mail_says_until_when_server_logs_may_name_it(
    organisation: Organisation, run_due: RunDue
) -> None:
    zone = organisation.time_zone
    certificate = erase(organisation, run_due)
    assert certificate.logs_until is not None
    until = formats.date_format(day_in(zone, certificate.logs_until), "DATE_FORMAT")
    with operator():
        text = messages()[0]["text"].replace("\n", " ")
    assert f"The last server log that may name it runs out on {until}." in text
