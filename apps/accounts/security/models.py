"""What a schema demands of those who sign in, and the browsers that it has seen."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class SignInPolicy(models.Model):
    """Who must sign in with a second factor here; one row a schema, none means nobody."""

    class Who(models.TextChoices):
        NOBODY = "off", _("Nobody has to")
        STAFF = "staff", _("Staff")
        EVERYBODY = "everybody", _("Everybody")

    who = models.CharField(_("who"), max_length=12, choices=Who.choices, default=Who.NOBODY)
    # Days from `since`, or from when a person joined, until it is enforced.
    grace_days = models.PositiveSmallIntegerField(_("days of grace"), default=7)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("sign-in policy")
        verbose_name_plural = _("sign-in security")

    def __str__(self) -> str:
        return str(self.get_who_display())


class KnownBrowser(models.Model):
    """A browser and network that somebody signed in from, as a keyed digest of both."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="known_browsers"
    )
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "digest"], name="one_row_a_known_browser")
        ]
