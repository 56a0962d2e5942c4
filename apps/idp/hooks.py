"""Which tokens and sign-ins of other tools are past their time, and which clients go."""

from typing import Any

from allauth.idp.oidc.models import Client, Token
from django.db.models import Count, QuerySet
from django.utils import timezone

from apps.idp.models import ClientSignIn, RelyingParty
from apps.idp.services import KEPT
from apps.tenants.erasing.registry import when_organisation_goes
from apps.tenants.models import Organisation
from apps.work.registry import forgets


@forgets
def _tokens() -> QuerySet[Any]:
    return Token.objects.expired()


@forgets
def _sign_ins() -> QuerySet[ClientSignIn]:
    return ClientSignIn.objects.filter(created_at__lt=timezone.now() - KEPT)


@when_organisation_goes
def _clients(organisation: Organisation) -> dict[str, int]:
    """Clients that were for nobody but its members; the others only lose it."""
    parties = RelyingParty.objects.filter(who=RelyingParty.Who.MEMBERS)
    counted = parties.annotate(count=Count("organisations")).filter(count=1)
    own = counted.filter(organisations=organisation).values_list("client_id", flat=True)
    deleted = Client.objects.filter(pk__in=list(own)).delete()[1]
    return {label.lower(): count for label, count in deleted.items() if count}
