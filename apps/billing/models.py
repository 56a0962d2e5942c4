"""Plans and their versions: what the operator sells to ISPs, or an ISP to its subscribers."""

from typing import Any
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.billing.entitlements import checked_entitlements, in_words
from apps.billing.exceptions import PublishedError
from apps.billing.money import format_money
from apps.core.models import Labelled, unique_external_id


class Plan(Labelled):
    """Something that is sold: hosting at the operator, a service in a workspace."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    key = models.SlugField(_("key"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    description = models.CharField(_("description"), max_length=300, blank=True)
    included = models.TextField(
        _("included"), blank=True, help_text=_("One sentence a line, shown beside the price.")
    )
    is_offered = models.BooleanField(
        _("offered"), default=True, help_text=_("New customers can choose it.")
    )
    is_highlighted = models.BooleanField(_("highlighted"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["position", "name"]
        constraints = [unique_external_id("plan")]

    def __str__(self) -> str:
        return self.name


class PlanVersion(models.Model):
    """Price and entitlements of a plan as they were sold; it never changes once it is made.

    Both prices are in minor units of the currency per period. `flat_minor` is what a posting
    gets, so it is whole; `per_subscriber_minor` is a price per active subscriber that a
    quantity multiplies before it is rounded, so it may hold fractions of a minor unit.
    """

    class Period(models.TextChoices):
        MONTH = "month", _("Month")
        YEAR = "year", _("Year")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="versions", verbose_name=_("plan")
    )
    number = models.PositiveIntegerField(_("version"))
    currency = models.CharField(_("currency"), max_length=3)
    flat_minor = models.BigIntegerField(_("price"))
    per_subscriber_minor = models.DecimalField(
        _("price per subscriber"), max_digits=24, decimal_places=12, default=0
    )
    period = models.CharField(
        _("period"), max_length=5, choices=Period.choices, default=Period.MONTH
    )
    trial_days = models.PositiveSmallIntegerField(_("days of trial"), default=0)
    entitlements = models.JSONField(_("entitlements"), default=dict, blank=True)
    published_at = models.DateTimeField(_("published"), default=timezone.now)

    class Meta:
        verbose_name = _("plan version")
        verbose_name_plural = _("plan versions")
        ordering = ["plan", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_number"),
            models.CheckConstraint(
                condition=Q(flat_minor__gte=0, per_subscriber_minor__gte=0),
                name="price_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new version; PublishedError for one that is there. A trigger says the same."""
        if not self._state.adding:
            raise PublishedError(
                _("%(what)s is published and cannot be changed. Publish a new version instead.")
                % {"what": self}
            )
        self.entitlements = checked_entitlements(self.entitlements)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: what was sold once must stay readable."""
        raise PublishedError(
            _("%(what)s is published and cannot be deleted. Stop offering its plan.")
            % {"what": self}
        )

    @property
    def price(self) -> str:
        """The flat price for people: "$29.00"."""
        return format_money(self.flat_minor, self.currency)

    @property
    def subscriber_price(self) -> str:
        """The price per subscriber for people."""
        return format_money(self.per_subscriber_minor, self.currency)

    @property
    def entitlements_in_words(self) -> list[str]:
        """What it entitles to, for people."""
        return in_words(self.entitlements)
