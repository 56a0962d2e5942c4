"""Where backups go, and where they went before, over the API."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.accounts.single_api import OnlyOne, taken_secret
from apps.backups.former import drop_place
from apps.backups.models import BackupTarget, FormerPlace
from apps.backups.permissions import MANAGE, VIEW
from apps.backups.targets import TargetWords, needs_kit, save_target, target_as_it_is
from apps.core.api.serializers import ModelSerializer

_WORDS = tuple(TargetWords.__dataclass_fields__)
_SEEN = (
    "on_since",
    "reaches",
    "carried_at",
    "waiting_bytes",
    "oldest_at",
    "gap_at",
    "failing_since",
    "last_error",
    "kit_at",
)


class BackupTargetSerializer(ModelSerializer[BackupTarget]):
    """The place off site and how far it is; what opens it is taken and never shown."""

    id = serializers.SerializerMethodField()
    address = serializers.CharField(
        max_length=300,
        required=False,
        help_text="`https://host/bucket/path`, `sftp://host/path`, or a directory.",
    )
    secret = serializers.CharField(
        max_length=8000,
        required=False,
        write_only=True,
        trim_whitespace=False,
        help_text="Secret key, password or private key; asked for again where the place changes.",
    )
    keep_daily = serializers.IntegerField(min_value=1, max_value=90, required=False)
    keep_weekly = serializers.IntegerField(min_value=1, max_value=104, required=False)
    wal_limit_gb = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    needs_kit = serializers.SerializerMethodField(
        help_text="Whether no recovery kit was made since what it holds changed."
    )

    class Meta:
        model = BackupTarget
        fields = ("id", *_WORDS, "secret", *_SEEN, "needs_kit")
        read_only_fields = _SEEN

    def get_id(self, row: BackupTarget) -> str:
        """There is one."""
        return "backup-target"

    def get_needs_kit(self, row: BackupTarget) -> bool:
        """As the page says."""
        return needs_kit(row)


class FormerPlaceSerializer(ModelSerializer[FormerPlace]):
    """Where backups went before, while something of them lies there."""

    class Meta:
        model = FormerPlace
        fields = (
            "id",
            "kind",
            "address",
            "user",
            "keep_daily",
            "keep_weekly",
            "left_at",
            "oldest_at",
            "last_error",
        )
        read_only_fields = fields


class BackupTargetView(OnlyOne):
    """Where backups go."""

    permissions: ClassVar = {"GET": VIEW, "PATCH": MANAGE}
    serializer_class = BackupTargetSerializer

    @extend_schema(responses=BackupTargetSerializer, operation_id="backup_target_retrieve")
    def get(self, request: Request) -> Response:
        """The place, and how far it is; empty where none is set up."""
        return self.shown(target_as_it_is())

    @extend_schema(
        request=BackupTargetSerializer,
        responses=BackupTargetSerializer,
        operation_id="backup_target_partial_update",
    )
    def patch(self, request: Request) -> Response:
        """Change it; what is left out stays, but for the secret of another place."""
        row = target_as_it_is()
        sent = self.changed(row)
        secret = taken_secret(sent, "secret")
        words = {**{name: getattr(row, name) for name in _WORDS}, **sent}
        saved = save_target(
            TargetWords(**words), secret=secret, version=row.version, actor=self.actor
        )
        return self.shown(saved)


class FormerPlaceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Places that backups went to before; each goes once nothing lies there."""

    access = "backups"
    permissions: ClassVar = {"list": VIEW, "retrieve": VIEW, "destroy": MANAGE}
    serializer_class = FormerPlaceSerializer
    queryset = FormerPlace.objects.all()
    lookup_field = "pk"
    lookup_value_converter = "str"
    filterset_fields = ("kind",)
    changed_fields = ("left_at",)
    ordering_fields = ("left_at",)

    def destroy(self, request: Request, pk: str) -> Response:
        """Look there no more, since somebody has deleted by hand what lay there."""
        drop_place(self.get_object().pk, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)
