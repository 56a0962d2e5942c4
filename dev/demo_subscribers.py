"""Plausible subscribers for a demonstration: the same seed always gives the same people."""

import csv
import io
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils.text import slugify

from apps.billing import services as billing
from apps.billing.models import Plan
from apps.events.actors import Actor
from apps.events.models import Event
from apps.subscribers.imports import import_now
from apps.subscribers.models import Service, ServiceStateChange, Subscriber, SubscriberImport

ACTOR = Actor("system", label="Demonstration data")
# Name, price in minor units, download and upload in kbit/s, share of the subscribers.
FIBER = (
    ("Fiber 100", 3900, 100_000, 50_000, 5),
    ("Fiber 300", 5400, 300_000, 150_000, 4),
    ("Fiber 1000", 7900, 1_000_000, 500_000, 2),
)
WIRELESS = (
    ("Wireless 10", 2900, 10_000, 2_000, 3),
    ("Wireless 25", 3900, 25_000, 5_000, 5),
    ("Wireless 50", 5400, 50_000, 10_000, 2),
)
_KINDS = {1: (FIBER, "USD", "US"), 2: (WIRELESS, "GBP", "GB")}
_FIRST = [
    "Ada",
    "Ahmed",
    "Alma",
    "Amara",
    "Andre",
    "Anna",
    "Arjun",
    "Bela",
    "Bruno",
    "Carla",
    "Chloe",
    "Daniel",
    "Deepa",
    "Diego",
    "Elena",
    "Emil",
    "Esther",
    "Fatima",
    "Felix",
    "Grace",
    "Hanna",
    "Hugo",
    "Ines",
    "Ivan",
    "Jamal",
    "Jana",
    "Joana",
    "Jonas",
    "Kofi",
    "Lara",
    "Leo",
    "Lina",
    "Lucas",
    "Maria",
    "Mateo",
    "Maya",
    "Mei",
    "Mina",
    "Noah",
    "Nora",
    "Olga",
    "Omar",
    "Paula",
    "Pavel",
    "Priya",
    "Rafael",
    "Rosa",
    "Ruth",
    "Samir",
    "Sara",
    "Sofia",
    "Tariq",
    "Tessa",
    "Thomas",
    "Uma",
    "Vera",
    "Viktor",
    "Wanda",
    "Yusuf",
    "Zoe",
]
_LAST = [
    "Abbott",
    "Adeyemi",
    "Andersen",
    "Bauer",
    "Becker",
    "Bennett",
    "Castillo",
    "Chen",
    "Clarke",
    "Costa",
    "Diaz",
    "Dubois",
    "Eriksen",
    "Farah",
    "Fischer",
    "Foster",
    "Garcia",
    "Gupta",
    "Hansen",
    "Harris",
    "Hughes",
    "Ibrahim",
    "Ivanova",
    "Jensen",
    "Kaya",
    "Keller",
    "Khan",
    "Kim",
    "Kowalski",
    "Larsen",
    "Lopez",
    "Maier",
    "Martin",
    "Mensah",
    "Moreau",
    "Morgan",
    "Nguyen",
    "Novak",
    "Okafor",
    "Olsen",
    "Osei",
    "Park",
    "Patel",
    "Perez",
    "Petrov",
    "Quinn",
    "Rossi",
    "Santos",
    "Schmidt",
    "Silva",
    "Singh",
    "Sullivan",
    "Tanaka",
    "Torres",
    "Vargas",
    "Walker",
    "Weber",
    "Wright",
    "Yilmaz",
    "Zhang",
]
_STREETS = {
    "US": ("Maple Street", "Oak Avenue", "Cedar Lane", "Mill Road", "Prairie Drive", "Lake Street"),
    "GB": ("Church Lane", "Hill Road", "Station Road", "The Green", "Mill Lane", "Orchard Way"),
}
_TOWNS = {
    "US": (("Cedar Falls", "50613"), ("Waverly", "50677"), ("Waterloo", "50701")),
    "GB": (("Kendal", "LA9 4BD"), ("Sedbergh", "LA10 5AD"), ("Kirkby Lonsdale", "LA6 2AL")),
}
# Ranges that both countries keep for fiction.
_PHONES = {"US": "+1 319 555 01", "GB": "+44 1632 9601"}
_STATUSES = ("active",) * 86 + ("suspended",) * 6 + ("pending_install",) * 5 + ("terminated",) * 3
_HEADER = [
    "number",
    "name",
    "email",
    "phone",
    "street",
    "postcode",
    "city",
    "country",
    "plan",
    "username",
    "status",
    "external_id",
    "plan_price",
    "plan_currency",
    "plan_down_kbps",
    "plan_up_kbps",
]


def make_subscribers(count: int, seed: int) -> list[dict[str, Any]]:
    """That many people as rows of an import, with their plans; seed 2 is a wireless ISP."""
    random = Random(seed)
    plans, currency, country = _KINDS.get(seed, _KINDS[1])
    weights = [plan[4] for plan in plans]
    return [
        _person(random, index, random.choices(plans, weights)[0], currency, country)
        for index in range(1, count + 1)
    ]


def as_csv(rows: list[dict[str, Any]]) -> str:
    """The rows as a file for the import, which also says what the plans are."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _HEADER, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@transaction.atomic
def load(rows: list[dict[str, Any]]) -> SubscriberImport:
    """Make the plans and the people of the rows in the current workspace; all or nothing."""
    for row in rows:
        _ensure_plan(row)
    source = import_now(ContentFile(as_csv(rows).encode(), name="demo.csv"), actor=ACTOR)
    _spread_over_time(source, rows)
    # That they came is told at the days on which they did, by demo_history.
    Event.objects.filter(type="subscriber.created", seal_no=None).delete()
    return source


def _person(
    random: Random, index: int, plan: tuple[str, int, int, int, int], currency: str, country: str
) -> dict[str, Any]:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    city, postcode = random.choice(_TOWNS[country])
    login = f"{first}.{last}{index}".lower()
    name, price, down, up, _share = plan
    return {
        "number": "",
        "name": f"{first} {last}",
        "email": f"{login}@example.com",
        "phone": f"{_PHONES[country]}{random.randint(0, 99):02d}",
        "street": f"{random.randint(1, 180)} {random.choice(_STREETS[country])}",
        "postcode": postcode,
        "city": city,
        "country": country,
        "plan": name,
        "username": login,
        "status": random.choice(_STATUSES),
        "external_id": f"OLD-{index + 1000}",
        "plan_price": f"{price // 100}.{price % 100:02d}",
        "plan_minor": price,
        "plan_currency": currency,
        "plan_down_kbps": down,
        "plan_up_kbps": up,
        # Most came long ago, some in these weeks.
        "days_ago": min(int(random.expovariate(1 / 200)), 900),
    }


def _ensure_plan(row: dict[str, Any]) -> None:
    name = row["plan"]
    if Plan.objects.filter(name=name).exists():
        return
    terms = billing.Terms(
        currency=row["plan_currency"],
        flat_minor=row["plan_minor"],
        entitlements={"down_kbps": row["plan_down_kbps"], "up_kbps": row["plan_up_kbps"]},
    )
    position = row["plan_down_kbps"] // 1000
    plan = billing.create_plan(key=slugify(name), name=name, position=position, actor=ACTOR)
    billing.publish_version(plan, terms, actor=ACTOR)


def _spread_over_time(source: SubscriberImport, rows: list[dict[str, Any]]) -> None:
    """Let them have come over the years, not in one minute."""
    days = {row["external_id"]: row["days_ago"] for row in rows}
    people = list(Subscriber.objects.filter(source_import=source))
    now = datetime.now(UTC)
    for person in people:
        person.created_at = now - timedelta(days=days[person.external_id])
    Subscriber.objects.bulk_update(people, ["created_at"], batch_size=500)
    _spread_services(source, {person.pk: person.created_at for person in people}, now)


def _spread_services(source: SubscriberImport, since: dict[int, datetime], now: datetime) -> None:
    """Each began with its subscriber; what paused or ended did so later, as its changes tell."""
    changes = ServiceStateChange.objects.filter(service__subscriber__source_import=source)
    found = list(changes.select_related("service"))
    services = [change.service for change in found]
    begun = []
    for change, service in zip(found, services, strict=True):
        service.created_at = change.at = since[service.subscriber_id]
        if service.activated_at or service.terminated_at:
            service.activated_at = service.created_at
        later = {"suspended": 4, "terminated": 2}.get(service.status)
        if later:
            begun.append(_activation(service))
            change.source = Service.Status.ACTIVE
            change.at = now - (now - service.created_at) / later
            setattr(service, f"{service.status}_at", change.at)
    times = ["created_at", "activated_at", "suspended_at", "terminated_at"]
    Service.objects.bulk_update(services, times, batch_size=500)
    ServiceStateChange.objects.bulk_update(found, ["at", "source"], batch_size=500)
    ServiceStateChange.objects.bulk_create(begun)


def _activation(service: Service) -> ServiceStateChange:
    return ServiceStateChange(
        service=service, at=service.created_at, target=Service.Status.ACTIVE, actor=ACTOR.label
    )
