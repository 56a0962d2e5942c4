"""The plans that an operator starts with."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop

from apps.billing.constants import DEDICATED, SHARED

TRIAL_DAYS = 14


@dataclass(frozen=True)
class PlanSeed:
    """A plan with its first version, in USD cents a month."""

    key: str
    name: str
    description: str
    flat_minor: int
    per_subscriber_minor: Decimal
    entitlements: dict[str, Any]
    included: tuple[str, ...]
    is_highlighted: bool = False


OPERATOR_PLANS = (
    PlanSeed(
        key="starter",
        name="Starter",
        description=gettext_noop("For an ISP that begins, or that wants to look around first."),
        flat_minor=1900,
        per_subscriber_minor=Decimal(50),
        entitlements={
            "hosting": SHARED,
            "max_subscribers": 100,
            "max_instances": 1,
            "memory_mb": 512,
        },
        included=(
            gettext_noop("Up to 100 active subscribers"),
            gettext_noop("A workspace that is there at once, on shared servers"),
            gettext_noop("Subscriber portal under your name"),
            gettext_noop("Import and export as CSV"),
        ),
    ),
    PlanSeed(
        key="business",
        name="Business",
        description=gettext_noop("For an ISP that runs its network and its people from here."),
        flat_minor=9900,
        per_subscriber_minor=Decimal(40),
        entitlements={
            "hosting": DEDICATED,
            "max_subscribers": 5000,
            "max_instances": 3,
            "memory_mb": 4096,
        },
        included=(
            gettext_noop("Up to 5,000 active subscribers"),
            gettext_noop("A workspace in containers and a database of its own"),
            gettext_noop("Two further apps from the catalogue"),
            gettext_noop("4 GB of memory for all your apps"),
        ),
        is_highlighted=True,
    ),
    PlanSeed(
        key="enterprise",
        name="Enterprise",
        description=gettext_noop("For an ISP with several regions, brands or teams."),
        flat_minor=49900,
        per_subscriber_minor=Decimal(25),
        entitlements={
            "hosting": DEDICATED,
            "max_subscribers": 50000,
            "max_instances": 20,
            "memory_mb": 32768,
        },
        included=(
            gettext_noop("Up to 50,000 active subscribers"),
            gettext_noop("A workspace in containers and a database of its own"),
            gettext_noop("Nineteen further apps from the catalogue"),
            gettext_noop("32 GB of memory for all your apps"),
        ),
    ),
)
