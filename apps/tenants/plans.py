"""What an organisation's plan allows."""

from collections.abc import Mapping
from typing import Any

from apps.billing.services import plan_version
from apps.tenancy.kinds import operator
from apps.tenants.models import Organisation


def entitlements_of(organisation: Organisation) -> Mapping[str, Any]:
    """By their names; PlanNotFoundError when the plan is gone."""
    with operator():
        return plan_version(organisation.plan_version).entitlements  # type: ignore[no-any-return]
