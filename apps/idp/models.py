"""Tools of others that people sign in to with their account here."""

from uuid import uuid4

from allauth.idp.oidc.models import Client
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.models import Labelled, unique_external_id
from apps.tenants.models import Organisation


class RelyingParty(Labelled):
    """A client of OpenID Connect: allauth's row, and whom it is for."""

    class Who(models.TextChoices):
        MEMBERS = "members", _("Members of the organisations below")
        STAFF = "staff", _("The operator’s staff")
        EVERYBODY = "everybody", _("Everybody with an account here")

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    client = models.OneToOneField(Client, on_delete=models.CASCADE, related_name="party")
    who = models.CharField(_("for whom"), max_length=12, choices=Who.choices, default=Who.MEMBERS)
    organisations = models.ManyToManyField(
        Organisation, verbose_name=_("organisations"), blank=True, related_name="+"
    )
    needs_second_factor = models.BooleanField(_("demand a second factor"), default=False)
    is_on = models.BooleanField(_("switched on"), default=True)

    class Meta:
        verbose_name = _("single sign-on client")
        verbose_name_plural = _("single sign-on clients")
        ordering = ["client__name"]
        constraints = [unique_external_id("relyingparty")]

    def __str__(self) -> str:
        return self.client.name


class ClientSignIn(models.Model):
    """Somebody who was let into a client: how they signed in here, and the code, spent once."""

    party = models.ForeignKey(RelyingParty, on_delete=models.CASCADE, related_name="sign_ins")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    # SHA-256 of the code in hex.
    digest = models.CharField(max_length=64, unique=True)
    methods = models.JSONField(default=list)
    signed_in_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    spent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="client_sign_in_age")]
