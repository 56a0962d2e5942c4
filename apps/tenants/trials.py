"""Telling an ISP's staff that their trial ends soon."""

from datetime import timedelta

import structlog
from django.db import Error
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.zones import day_in
from apps.notifications.registry import Kind, register
from apps.notifications.services import notify, staff
from apps.tenancy.kinds import CONSOLE, schema_of
from apps.tenants.models import Organisation

log = structlog.get_logger(__name__)
_AHEAD = timedelta(days=3)

TRIAL_ENDS = register(
    Kind(
        "trial.ends",
        title=_("The trial ends soon"),
        heading=_("Your trial ends on %(date)s"),
        body=_("Until then everything works as it does. The plan is %(plan)s."),
        tone="warn",
        levels=frozenset({CONSOLE}),
    )
)


def tell_of_trials() -> int:
    """Tell the staff of each console whose trial ends within three days; returns how many people.

    Nobody is told the same end twice, so this may run as often as it likes.
    """
    now = timezone.now()
    soon = Organisation.objects.filter(
        status=Organisation.Status.ACTIVE, trial_ends_at__gt=now, trial_ends_at__lte=now + _AHEAD
    )
    return sum(_tell(organisation) for organisation in soon.select_related("console"))


def _tell(organisation: Organisation) -> int:
    if organisation.console is None or organisation.trial_ends_at is None:
        return 0
    ends = organisation.trial_ends_at
    day = day_in(organisation.time_zone, ends)
    try:
        with schema_of(organisation.console.schema_name):
            return notify(
                TRIAL_ENDS,
                staff(),
                # In UTC, so that nobody is told again whose zone has changed.
                key=f"trial:{ends:%Y-%m-%d}",
                data={"date": f"{day:%Y-%m-%d}", "plan": organisation.plan_key},
                url=reverse("admin:index"),
            )
    except Error:
        # One console that cannot be written to keeps no other from being told.
        log.exception("trial_not_told", organisation=str(organisation.uuid))
        return 0
