"""Plans as the front page and sign-up show them."""

from typing import Any

from django.utils.translation import gettext as _

from apps.billing.money import format_money
from apps.billing.services import OfferedPlan


def plan_rows(plans: list[OfferedPlan]) -> list[dict[str, Any]]:
    """What the templates read of each plan; amounts in minor units and as text."""
    return [_row(plan) for plan in plans]


def _row(plan: OfferedPlan) -> dict[str, Any]:
    return {
        "key": plan.key,
        "name": plan.name,
        "summary": _(plan.description),
        "price_minor": plan.flat_minor,
        "per_subscriber_minor": plan.per_subscriber_minor,
        "currency": plan.currency,
        "price": format_money(plan.flat_minor, plan.currency),
        "per_subscriber": format_money(plan.per_subscriber_minor, plan.currency),
        "included": [_(sentence) for sentence in plan.included],
        "highlighted": plan.highlighted,
        "tag": "",
        "trial_days": plan.trial_days,
        "max_subscribers": plan.entitlements.get("max_subscribers"),
    }
