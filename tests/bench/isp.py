"""An ISP of ten thousand subscribers, each with an address and an active service."""

from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.services import create_user
from apps.billing import services as billing
from apps.events import services as events
from apps.events.actors import SYSTEM
from apps.subscribers.models import Service, ServiceAddress, Subscriber
from apps.tenancy.kinds import schema_of
from apps.tenants.models import Organisation
from tests.live_platform import LivePlatform

ROWS = 10_000
PASSWORD = "a-long-passphrase"


@dataclass(frozen=True)
class LargeIsp:
    """Its slug, a program's key, a customer who can sign in to the portal, and that one's row."""

    slug: str
    key: str
    customer: str
    subscriber: int


def large_isp(platform: LivePlatform, slug: str, rows: int = ROWS) -> LargeIsp:
    """Sign up on the Starter plan, whose workspace is on the platform, and fill it."""
    platform.act("sign_up", slug=slug, plan="starter", region="local")
    workspace = Organisation.objects.get(slug=slug).workspace
    assert workspace is not None
    customer = f"s7@{slug}.example"
    with schema_of(workspace.schema_name), transaction.atomic():
        _fill(slug, rows)
        user = create_user(email=customer, password=PASSWORD, is_verified=True, actor=SYSTEM)
        row = Subscriber.objects.get(number="B-00007")
        Subscriber.objects.filter(pk=row.pk).update(user=user)
    with schema_of(workspace.schema_name), connection.cursor() as cursor:
        # As autovacuum does within a minute.
        cursor.execute("ANALYZE")
    key = platform.act("make_key", slug=slug, level="workspace")["key"]
    return LargeIsp(slug, key, customer, row.pk)


def _fill(slug: str, rows: int) -> None:
    now = timezone.now()
    plan = billing.create_plan(key="fiber-300", name="Fiber 300", actor=SYSTEM)
    version = billing.publish_version(plan, billing.Terms("SEK", 39_900), actor=SYSTEM)
    people = Subscriber.objects.bulk_create(
        Subscriber(
            number=f"B-{n:05d}",
            name=f"Subscriber {n}",
            email=f"s{n}@{slug}.example",
            status=Subscriber.Status.ACTIVE,
        )
        for n in range(rows)
    )
    places = ServiceAddress.objects.bulk_create(
        ServiceAddress(subscriber=person, street="1 Main Street", city="Malmö", country="SE")
        for person in people
    )
    Service.objects.bulk_create(
        Service(
            subscriber=place.subscriber,
            plan_version=version,
            address=place,
            status=Service.Status.ACTIVE,
            activated_at=now,
        )
        for place in places
    )
    for person in people:
        events.record("subscriber.activated", actor=SYSTEM, subject=person)
