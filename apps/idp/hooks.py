"""Which tokens and sign-ins of other tools are past their time, which clients go, and where to."""

from collections.abc import Iterator
from typing import Any

from allauth.idp.oidc.models import Client, Token
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.core.form_targets import forms_lead_to
from apps.idp.models import ClientSignIn, RelyingParty
from apps.idp.services import KEPT
from apps.tenancy.kinds import PUBLIC, current_schema
from apps.tenants.erasing.registry import when_organisation_goes
from apps.tenants.models import Organisation
from apps.work.registry import forgets

# Where people sign in, prove who they are once more, and are asked for their consent.
_ON_THE_WAY = ("/accounts/", "/identity/")


@forms_lead_to
def _back(request: HttpRequest) -> Iterator[str]:
    """To a client, after the last form on the way there; the form does not know to which."""
    if current_schema() == PUBLIC and request.path.startswith(_ON_THE_WAY):
        for party in RelyingParty.objects.filter(is_on=True).select_related("client"):
            yield from party.client.get_redirect_uris()


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
