"""The plans that an operator starts with."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

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
        description="For an ISP that begins, or that wants to look around first.",
        flat_minor=1900,
        per_subscriber_minor=Decimal(50),
        entitlements={
            "hosting": SHARED,
            "max_subscribers": 100,
            "max_instances": 1,
            "memory_mb": 512,
        },
        included=(
            "Up to 100 active subscribers",
            "A workspace that is there at once, on shared servers",
            "Subscriber portal under your name",
            "Import and export as CSV",
        ),
    ),
    PlanSeed(
        key="business",
        name="Business",
        description="For an ISP that runs its network and its people from here.",
        flat_minor=9900,
        per_subscriber_minor=Decimal(40),
        entitlements={
            "hosting": DEDICATED,
            "max_subscribers": 5000,
            "max_instances": 3,
            "memory_mb": 4096,
        },
        included=(
            "Up to 5,000 active subscribers",
            "A workspace in containers and a database of its own",
            "Two further apps from the catalogue",
            "4 GB of memory for all your apps",
        ),
        is_highlighted=True,
    ),
    PlanSeed(
        key="enterprise",
        name="Enterprise",
        description="For an ISP with several regions, brands or teams.",
        flat_minor=49900,
        per_subscriber_minor=Decimal(25),
        entitlements={
            "hosting": DEDICATED,
            "max_subscribers": 50000,
            "max_instances": 20,
            "memory_mb": 32768,
        },
        included=(
            "Up to 50,000 active subscribers",
            "A workspace in containers and a database of its own",
            "Nineteen further apps from the catalogue",
            "32 GB of memory for all your apps",
        ),
    ),
)
