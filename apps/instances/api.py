"""Instances over the API of a console: list, deploy, and the rest of their life."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.addresses import host_url
from apps.accounts.resources import LabelledResource
from apps.core.api.labels import Labels, Shown
from apps.instances import services
from apps.instances.models import Instance
from apps.instances.settings import change_some_settings, settings_of
from apps.operations.api import OperationSerializer, accepted
from dotmac.stack.environment import MAXIMUM_LENGTH

_SETTINGS = OpenApiExample(
    "A plain setting and a secret",
    {
        "environment": [
            {
                "name": "GREETING",
                "type": "string",
                "description": "What visitors read first.",
                "choices": [],
                "is_required": False,
                "default": "hello",
                "value": "welcome",
                "is_set": True,
            },
            {
                "name": "PASSWORD",
                "type": "secret",
                "description": "",
                "choices": [],
                "is_required": True,
                "default": None,
                "value": None,
                "is_set": True,
            },
        ]
    },
    response_only=True,
)
_SETTINGS_CHANGED = OpenApiExample(
    "Another greeting", {"environment": {"GREETING": "hi"}}, request_only=True
)


class InstanceSerializer(Shown):
    """An instance; its secret settings are never shown."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    address = serializers.SerializerMethodField()

    class Meta:
        model = Instance
        fields = (
            "id",
            "name",
            "app",
            "release",
            "hosting",
            "status",
            "status_reason",
            "hostname",
            "address",
            "region",
            "environment",
            "created_at",
        )
        read_only_fields = fields

    def get_address(self, instance: Instance) -> str:
        """Where it is reached."""
        return host_url(instance.hostname, is_workspace=True)


class NewInstanceSerializer(Labels):
    """An app of the catalogue to deploy, with its settings."""

    app = serializers.SlugField(max_length=30)
    name = serializers.CharField(max_length=80, required=False, default="")
    environment = serializers.DictField(child=serializers.CharField(), required=False)


class DeploySerializer(serializers.Serializer[Any]):
    """The release to deploy, the newest when it is left out."""

    release = serializers.CharField(max_length=40, required=False, default="")


class SettingSerializer(serializers.Serializer[Any]):
    """A setting that its app reads; what a secret says is never shown."""

    name = serializers.CharField()
    type = serializers.CharField(help_text="As `string`, `integer`, `choice` or `secret`.")
    description = serializers.CharField(allow_blank=True)
    choices = serializers.ListField(child=serializers.CharField())
    is_required = serializers.BooleanField()
    default = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    value = serializers.CharField(allow_null=True, help_text="null: the default, or a secret.")
    is_set = serializers.BooleanField()


class SettingsSerializer(serializers.Serializer[Any]):
    """All settings that can be changed."""

    environment = SettingSerializer(many=True)


class SettingsChangesSerializer(serializers.Serializer[Any]):
    """The settings to change, by name."""

    environment = serializers.DictField(
        child=serializers.CharField(max_length=MAXIMUM_LENGTH, allow_blank=True),
        allow_empty=False,
        help_text="Those that are left out stay. An empty text goes back to the default; of a"
        " secret it leaves the present one.",
    )


class ReasonSerializer(serializers.Serializer[Any]):
    """Why, for the audit trail."""

    reason = serializers.CharField(max_length=300, required=False, default="")


class InstanceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Instances of this console. Every change answers 202 with the operation that makes it."""

    serializer_class = InstanceSerializer
    access = "instances"
    permissions: ClassVar = {
        "create": "instances.install",
        "partial_update": "instances.deploy",
        "deploy": "instances.deploy",
        "environment": "instances.view",
        "change_environment": "instances.deploy",
        "stop": "instances.stop",
        "start": "instances.stop",
        "suspend": "instances.suspend",
        "resume": "instances.suspend",
        "archive": "instances.archive",
    }
    queryset = Instance.objects.all()
    filterset_fields = ("status", "app")

    def get_queryset(self) -> QuerySet[Instance]:
        """All of them: the schema is the border."""
        return Instance.objects.all()

    @extend_schema(request=NewInstanceSerializer, responses={202: OperationSerializer})
    def create(self, request: Request) -> Response:
        """Deploy an app of the catalogue."""
        values = self.checked(NewInstanceSerializer)
        operation = services.install(
            app=values["app"],
            name=values["name"],
            environment=values.get("environment"),
            actor=self.actor,
        )
        self.label(Instance.objects.get(uuid=operation.subject_id))
        return accepted(operation)

    @extend_schema(request=DeploySerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def deploy(self, request: Request, uuid: UUID) -> Response:
        """Put a release in place; 409 while another operation changes the instance."""
        asked = DeploySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        operation = services.deploy(
            self.get_object(),
            release=asked.validated_data["release"],
            actor=self.actor,
        )
        return accepted(operation)

    @extend_schema(responses={200: SettingsSerializer}, examples=[_SETTINGS])
    @action(detail=True, methods=["get"])
    def environment(self, request: Request, uuid: UUID) -> Response:
        """The settings that its app reads; a shared one has none."""
        shown = {"environment": settings_of(self.get_object())}
        return Response(SettingsSerializer(shown).data)

    @extend_schema(
        request=SettingsChangesSerializer,
        responses={202: OperationSerializer},
        examples=[_SETTINGS_CHANGED],
    )
    @environment.mapping.patch
    def change_environment(self, request: Request, uuid: UUID) -> Response:
        """Change settings and deploy it with them; 409 while it changes, or for a shared one."""
        instance = self.get_object()
        given = self.checked(SettingsChangesSerializer)["environment"]
        return accepted(change_some_settings(instance, given, actor=self.actor))

    def _change(self, request: Request, what: str) -> Response:
        asked = ReasonSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        operation = services.change(
            self.get_object(),
            what,
            reason=asked.validated_data["reason"],
            actor=self.actor,
        )
        return accepted(operation)

    @extend_schema(request=ReasonSerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, uuid: UUID) -> Response:
        """Stop its containers; a notice is served."""
        return self._change(request, "stop")

    @extend_schema(request=ReasonSerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def start(self, request: Request, uuid: UUID) -> Response:
        """Start a stopped instance."""
        return self._change(request, "start")

    @extend_schema(request=ReasonSerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, uuid: UUID) -> Response:
        """Suspend it; a notice is served, its data stay."""
        return self._change(request, "suspend")

    @extend_schema(request=ReasonSerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, uuid: UUID) -> Response:
        """Take it back from suspension."""
        return self._change(request, "resume")

    @extend_schema(request=ReasonSerializer, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def archive(self, request: Request, uuid: UUID) -> Response:
        """Remove its containers and keep its volumes; deploy brings it back."""
        return self._change(request, "archive")
