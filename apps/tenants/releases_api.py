"""Which tenants stay at an older release, and bringing all of them up, over the operator's API."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.operations.api import OperationSerializer, accepted
from apps.tenancy.models import FailedMigration
from apps.tenants.migrating import PERMISSION, migrate_tenants, release_now


class FailedMigrationSerializer(ModelSerializer[FailedMigration]):
    """A schema that this release could not migrate, with the message of the database."""

    class Meta:
        model = FailedMigration
        fields = ("schema", "error", "times", "failed_at")
        read_only_fields = fields


class TenantReleaseSerializer(serializers.Serializer[Any]):
    """Counts of tenants in this database."""

    total = serializers.IntegerField()
    behind = serializers.IntegerField()
    failed = serializers.IntegerField()


class FailedMigrationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Tenants that were not migrated; a run that succeeds takes them off."""

    access = "tenant-releases"
    permissions: ClassVar = {"release": "tenants.releases", "migrate": PERMISSION}
    serializer_class = FailedMigrationSerializer
    queryset = FailedMigration.objects.all()
    lookup_field = "schema"
    lookup_value_converter = "slug"
    filterset_fields = ("schema",)
    ordering_fields = ("schema", "failed_at")
    changed_fields = ("failed_at",)

    @extend_schema(responses={200: TenantReleaseSerializer})
    @action(detail=False, filter_backends=(), pagination_class=None)
    def release(self, request: Request) -> Response:
        """How many tenants there are, are behind this release, and could not be migrated."""
        return Response(TenantReleaseSerializer(release_now()).data)

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=False, methods=["post"])
    def migrate(self, request: Request) -> Response:
        """Bring every tenant to this release; answers the operation, 409 while one goes on."""
        return accepted(migrate_tenants(actor=self.actor))
