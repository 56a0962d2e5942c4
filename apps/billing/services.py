"""Plans: making them, publishing versions, and asking what is offered."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.billing.entitlements import checked_entitlements
from apps.billing.exceptions import PlanNotFoundError
from apps.billing.models import Plan, PlanVersion
from apps.billing.money import is_currency
from apps.billing.seeds import OPERATOR_PLANS, TRIAL_DAYS, PlanSeed
from apps.core.exceptions import ConflictError, DomainError
from apps.events import services as events
from apps.events.actors import SYSTEM, Actor
from apps.events.differences import CHANGED, differences, values_of


@dataclass(frozen=True)
class Terms:
    """What a version sells; prices in minor units of the currency per period."""

    currency: str
    flat_minor: int
    per_subscriber_minor: Decimal = Decimal(0)
    period: str = PlanVersion.Period.MONTH
    trial_days: int = 0
    entitlements: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class OfferedPlan:
    """A plan that new customers can choose, in its newest version; prices in minor units."""

    key: str
    name: str
    description: str
    version_uuid: UUID
    flat_minor: int
    per_subscriber_minor: Decimal
    currency: str
    period: str
    trial_days: int
    entitlements: dict[str, Any]
    highlighted: bool
    included: list[str]


def newest_versions() -> list[PlanVersion]:
    """The newest version of every plan with its plan, in the plans' order; one query."""
    newest = PlanVersion.objects.order_by("plan_id", "-number").distinct("plan_id")
    return list(
        PlanVersion.objects.filter(pk__in=newest.values("pk"))
        .select_related("plan")
        .order_by("plan__position", "plan__name")
    )


def offered_plans() -> list[OfferedPlan]:
    """What new customers of this schema can choose, in order."""
    return [_offer(version) for version in newest_versions() if version.plan.is_offered]


def plan_version(uuid: UUID | str) -> PlanVersion:
    """A version with its plan; PlanNotFoundError when this schema has none of that id."""
    found = PlanVersion.objects.select_related("plan").filter(uuid=uuid).first()
    if found is None:
        raise PlanNotFoundError(
            _("There is no such plan. Choose one of those offered."), field="plan"
        )
    return found


def newest_version_of(key: str) -> PlanVersion:
    """The version that new customers of a plan get; PlanNotFoundError when there is none."""
    versions = PlanVersion.objects.select_related("plan").filter(plan__key=key)
    found = versions.order_by("-number").first()
    if found is None:
        raise PlanNotFoundError(
            _("There is no plan “%(key)s” with a price.") % {"key": key}, field="plan"
        )
    return found


@transaction.atomic
def create_plan(*, key: str, name: str, actor: Actor, **fields: Any) -> Plan:
    """A plan without a version, which nobody can buy yet; ConflictError when the key is taken."""
    try:
        with transaction.atomic():
            plan = Plan.objects.create(key=key, name=name, **fields)
    except IntegrityError as error:
        raise ConflictError(
            _("There is already a plan with the key “%(key)s”. Choose another key.") % {"key": key},
            field="key",
        ) from error
    events.record("plan.created", actor=actor, subject=plan, data={"key": key, "name": name})
    return plan


@transaction.atomic
def update_plan(plan: Plan, *, actor: Actor, **fields: Any) -> Plan:
    """Change how a plan is shown and whether it is offered; its versions stay as they are."""
    current = Plan.objects.select_for_update().get(pk=plan.pk)
    changed = {name: value for name, value in fields.items() if getattr(current, name) != value}
    if changed:
        facts = {CHANGED: differences(values_of(current, changed), changed)}
        Plan.objects.filter(pk=plan.pk).update(**changed)
        for name, value in changed.items():
            setattr(plan, name, value)
        events.record("plan.updated", actor=actor, subject=plan, data=facts)
    return plan


@transaction.atomic
def publish_version(plan: Plan, terms: Terms, *, actor: Actor) -> PlanVersion:
    """A new version, which new customers get from now on; those before keep theirs.

    DomainError names the term that cannot be.
    """
    _check(terms)
    # Two people who publish at once get two numbers.
    Plan.objects.select_for_update().get(pk=plan.pk)
    last = plan.versions.order_by("-number").first()
    version = PlanVersion.objects.create(
        plan=plan,
        number=last.number + 1 if last else 1,
        currency=terms.currency,
        flat_minor=terms.flat_minor,
        per_subscriber_minor=terms.per_subscriber_minor,
        period=terms.period,
        trial_days=terms.trial_days,
        entitlements=dict(terms.entitlements or {}),
    )
    events.record(
        "plan.version_published",
        actor=actor,
        subject=plan,
        data={"version": str(version.uuid), "number": version.number},
    )
    return version


@transaction.atomic
def seed_operator_plans(*, actor: Actor = SYSTEM) -> list[Plan]:
    """Make Starter, Business and Enterprise where they are missing; a plan that is there stays."""
    present = {plan.key: plan for plan in Plan.objects.all()}
    return [
        present.get(seed.key) or _plant(seed, position, actor)
        for position, seed in enumerate(OPERATOR_PLANS)
    ]


def _plant(seed: PlanSeed, position: int, actor: Actor) -> Plan:
    plan = create_plan(
        key=seed.key,
        name=seed.name,
        description=seed.description,
        included="\n".join(seed.included),
        is_highlighted=seed.is_highlighted,
        position=position,
        actor=actor,
    )
    terms = Terms(
        currency="USD",
        flat_minor=seed.flat_minor,
        per_subscriber_minor=seed.per_subscriber_minor,
        trial_days=TRIAL_DAYS,
        entitlements=seed.entitlements,
    )
    publish_version(plan, terms, actor=actor)
    return plan


def _check(terms: Terms) -> None:
    if not is_currency(terms.currency):
        raise DomainError(
            _("“%(currency)s” is no ISO 4217 currency, such as USD.")
            % {"currency": terms.currency},
            field="currency",
        )
    if terms.flat_minor < 0:
        raise DomainError(_("A price cannot be below zero."), field="flat_minor")
    if terms.per_subscriber_minor < 0:
        raise DomainError(_("A price cannot be below zero."), field="per_subscriber_minor")
    if terms.period not in PlanVersion.Period.values:
        raise DomainError(_("A plan is paid by the month or by the year."), field="period")
    checked_entitlements(terms.entitlements or {})


def _offer(version: PlanVersion) -> OfferedPlan:
    plan = version.plan
    return OfferedPlan(
        key=plan.key,
        name=plan.name,
        description=plan.description,
        version_uuid=version.uuid,
        flat_minor=version.flat_minor,
        per_subscriber_minor=version.per_subscriber_minor,
        currency=version.currency,
        period=version.period,
        trial_days=version.trial_days,
        entitlements=version.entitlements,
        highlighted=plan.is_highlighted,
        included=plan.included.splitlines(),
    )
