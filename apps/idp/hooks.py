"""Which tokens and sign-ins of other tools are past their time."""

from typing import Any

from allauth.idp.oidc.models import Token
from django.db.models import QuerySet
from django.utils import timezone

from apps.idp.models import ClientSignIn
from apps.idp.services import KEPT
from apps.work.registry import forgets


@forgets
def _tokens() -> QuerySet[Any]:
    return Token.objects.expired()


@forgets
def _sign_ins() -> QuerySet[ClientSignIn]:
    return ClientSignIn.objects.filter(created_at__lt=timezone.now() - KEPT)
