"""Tenants that were imported, and making customers of them, over the operator's API."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.billing.services import newest_version_of
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import DomainError
from apps.operations.api import OperationSerializer, accepted
from apps.tenancy.models import Tenant
from apps.tenants.adopting import PERMISSION, adopt, tenants_without_organisation
from apps.tenants.api import OrganisationSerializer
from apps.tenants.attaching import attach
from apps.tenants.closing import PERMISSION as CLOSE
from apps.tenants.erasing.imported import erase_imported
from apps.tenants.models import Organisation
from apps.tenants.services import Application


class ImportedSerializer(ModelSerializer[Tenant]):
    """A console or a workspace that belongs to no organisation."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    schema = serializers.CharField(source="schema_name", read_only=True)

    class Meta:
        model = Tenant
        fields = ("id", "kind", "slug", "name", "schema", "created_at")
        read_only_fields = fields


class AdoptionSerializer(serializers.Serializer[Any]):
    """What an imported tenant does not say of itself: whose it is, where, and on which plan."""

    slug = serializers.CharField(max_length=30, help_text="Of what was imported.")
    email = serializers.EmailField(help_text="The owner’s; who has no account here gets one.")
    name = serializers.CharField(max_length=500)
    plan = serializers.CharField(max_length=40, help_text="Its key.")
    country = serializers.CharField(max_length=2, help_text="ISO 3166.")
    currency = serializers.CharField(max_length=3, help_text="ISO 4217.")
    time_zone = serializers.CharField(max_length=60)
    region = serializers.CharField(max_length=30, help_text="Its code.")


class AttachmentSerializer(serializers.Serializer[Any]):
    """Which imported workspace takes the place of an organisation's own, which is empty."""

    slug = serializers.CharField(max_length=30, help_text="Of what was imported.")
    organisation = serializers.UUIDField(help_text="Its id.")


class ImportedErasureSerializer(serializers.Serializer[Any]):
    """What is erased, said twice, since nothing brings it back."""

    slug = serializers.CharField(max_length=30, help_text="Of what was imported.")
    confirm = serializers.CharField(max_length=30, help_text="The slug again.")


class ImportedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Tenants that were imported and are nobody's yet."""

    access = "imported-tenants"
    permissions: ClassVar = {
        **dict.fromkeys(("list", "retrieve", "adopt", "attach"), PERMISSION),
        "erase": CLOSE,
    }
    serializer_class = ImportedSerializer
    queryset = tenants_without_organisation()
    filterset_fields = ("slug", "kind")
    changed_fields = ("created_at",)

    @extend_schema(request=AdoptionSerializer, responses={201: OrganisationSerializer})
    @action(detail=False, methods=["post"])
    def adopt(self, request: Request) -> Response:
        """Make an organisation of the tenants of a slug."""
        said = self.checked(AdoptionSerializer)
        email, plan = said.pop("email"), newest_version_of(said.pop("plan"))
        row = adopt(Application(**said), plan, email=email, actor=self.actor)
        return Response(OrganisationSerializer(row).data, status=201)

    @extend_schema(request=AttachmentSerializer, responses={200: OrganisationSerializer})
    @action(detail=False, methods=["post"])
    def attach(self, request: Request) -> Response:
        """Let an imported workspace be an organisation's; 409 unless its own is empty."""
        said = self.checked(AttachmentSerializer)
        row = Organisation.objects.filter(uuid=said["organisation"]).first()
        if row is None:
            raise DomainError(_("There is no such organisation."), field="organisation")
        attached = attach(said["slug"], row, actor=self.actor)
        return Response(OrganisationSerializer(attached).data)

    @extend_schema(request=ImportedErasureSerializer, responses={202: OperationSerializer})
    @action(detail=False, methods=["post"])
    def erase(self, request: Request) -> Response:
        """Erase the console and the workspace of a slug; the operation signs a certificate."""
        said = self.checked(ImportedErasureSerializer)
        begun = erase_imported(said["slug"], confirm=said["confirm"], actor=self.actor)
        return accepted(begun)
