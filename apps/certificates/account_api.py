"""The certificate authority and the server of our zones over the API: one of each."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.single_api import OnlyOne, taken_secret
from apps.certificates.accounts import (
    AccountSecrets,
    AccountWords,
    account_as_it_is,
    save_account,
)
from apps.certificates.forms import is_pem
from apps.certificates.models import AcmeAccount
from apps.core.api.serializers import ModelSerializer

# Who holds the DNS holds everything.
_PERMISSION = "certificates.account"
_WORDS = tuple(name for name in asdict(AccountWords()) if name != "accepts_terms")


class AcmeAccountSerializer(ModelSerializer[AcmeAccount]):
    """Authority, account and DNS; what is secret is taken and never shown."""

    id = serializers.SerializerMethodField()
    accepts_terms = serializers.BooleanField(
        required=False, write_only=True, help_text="Of the authority’s terms of service."
    )
    roots = serializers.CharField(
        max_length=50_000, required=False, allow_blank=True, help_text="In PEM; empty: public ones."
    )
    binding_key = serializers.CharField(
        max_length=500, required=False, write_only=True, help_text="HMAC key of the binding (EAB)."
    )
    dns_secret = serializers.CharField(
        max_length=500,
        required=False,
        write_only=True,
        help_text="Of the key, or the API key; asked for again where the server changes.",
    )

    class Meta:
        model = AcmeAccount
        fields = (
            "id",
            *_WORDS,
            "terms_url",
            "terms_accepted_at",
            "paused_until",
            "accepts_terms",
            "binding_key",
            "dns_secret",
        )
        read_only_fields = ("terms_url", "terms_accepted_at", "paused_until")

    def get_id(self, account: AcmeAccount) -> str:
        """There is one."""
        return "acme-account"

    def validate_roots(self, text: str) -> str:
        """One or several certificates."""
        if not is_pem(text.strip()):
            raise serializers.ValidationError(_("This is no certificate in PEM."))
        return text.strip()


class AcmeAccountView(OnlyOne):
    """Where certificates come from, and the DNS that proves wildcards."""

    permissions: ClassVar = {"GET": _PERMISSION, "PATCH": _PERMISSION}
    serializer_class = AcmeAccountSerializer

    @extend_schema(responses=AcmeAccountSerializer, operation_id="acme_account_retrieve")
    def get(self, request: Request) -> Response:
        """The authority; what is there by default where nothing is set up."""
        return self.shown(account_as_it_is())

    @extend_schema(
        request=AcmeAccountSerializer,
        responses=AcmeAccountSerializer,
        operation_id="acme_account_partial_update",
    )
    def patch(self, request: Request) -> Response:
        """Change it; what is left out stays, but for what belonged to another authority."""
        row = account_as_it_is()
        sent = self.changed(row)
        secrets = AccountSecrets(
            taken_secret(sent, "binding_key"), taken_secret(sent, "dns_secret")
        )
        kept: dict[str, Any] = {name: getattr(row, name) for name in _WORDS}
        words = {**kept, "accepts_terms": row.terms_accepted_at is not None, **sent}
        saved = save_account(AccountWords(**words), secrets, version=row.version, actor=self.actor)
        return self.shown(saved)
