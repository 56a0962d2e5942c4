"""What each check found last, and when all were looked at. Only in `public`."""

from uuid import uuid4

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.health import OK, PROBLEM, WARNING, Check, Finding, check_named


class Status(models.TextChoices):
    """How a check stands."""

    OK = OK, _("Well")
    WARNING = WARNING, _("Warning")
    PROBLEM = PROBLEM, _("Problem")


class CheckState(models.Model):
    """How a check stands since when; a row for each, written by whoever looked last."""

    name = models.CharField(max_length=60, unique=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OK)
    # The worst of what alerts of the doctor tell; the rest is told by the apps that found it. Empty
    # in a row of before: then it told all.
    told = models.CharField(
        max_length=10,
        choices=Status.choices,
        blank=True,
        default="",
        db_default="",
        editable=False,
    )
    # What was found, as findings are kept.
    findings = models.JSONField(default=list)
    since = models.DateTimeField(default=timezone.now)
    looked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return str(self.title)

    @property
    def check_of(self) -> Check | None:
        """How it is looked at; None where this release has no such check."""
        return check_named(self.name)

    @property
    def title(self) -> str:
        """What is looked at, in the reader's language."""
        found = self.check_of
        return str(found.title) if found else self.name

    @property
    def found(self) -> list[Finding]:
        """What is wrong and what to do, to be read in the reader's language."""
        return [Finding(**kept) for kept in self.findings]


class Checkup(models.Model):
    """A look at everything by a worker: who wanted it, and what it came to."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    operation = models.UUIDField(null=True)
    asked_by = models.CharField(_("asked for by"), max_length=254)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    # None while it runs, and for ever where its worker was given up.
    finished_at = models.DateTimeField(_("finished"), null=True)
    well = models.PositiveIntegerField(_("well"), default=0)
    warnings = models.PositiveIntegerField(_("warnings"), default=0)
    problems = models.PositiveIntegerField(_("problems"), default=0)

    class Meta:
        verbose_name = _("health check")
        verbose_name_plural = _("health checks")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["started_at"], name="checkup_age")]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"
