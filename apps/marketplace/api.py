"""The catalogue over the API: what the operator offers, and what an ISP can deploy."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import LabelledResource, Resource
from apps.core.api.labels import Shown
from apps.core.api.serializers import ModelSerializer
from apps.marketplace import services
from apps.marketplace.models import App, Release

_APP = OpenApiExample(
    "An app",
    {
        "key": "radicale",
        "title": "Radicale",
        "summary": "Calendars and contacts",
        "description": "",
        "icon": "calendar",
        "is_listed": True,
        "external_id": "",
        "metadata": {},
        "updated_at": "2026-01-31T09:00:00Z",
    },
    response_only=True,
)
_RELEASE = OpenApiExample(
    "A release",
    {
        "id": 12,
        "app": "radicale",
        "version": "3.2.0",
        "published_at": "2026-01-31T09:00:00Z",
        "is_withdrawn": False,
    },
    response_only=True,
)


class AppSerializer(Shown):
    """Something that can be deployed."""

    class Meta:
        model = App
        fields = ("key", "title", "summary", "description", "icon", "is_listed")
        read_only_fields = fields


class ReleaseSerializer(ModelSerializer[Release]):
    """A version of an app."""

    app = serializers.CharField(source="app.key", read_only=True)

    class Meta:
        model = Release
        fields = ("id", "app", "version", "published_at", "is_withdrawn")
        read_only_fields = fields


@extend_schema_view(list=extend_schema(examples=[_APP]), retrieve=extend_schema(examples=[_APP]))
class AppViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, LabelledResource):
    """Every app of the catalogue."""

    access = "apps"
    serializer_class = AppSerializer
    queryset = App.objects.all()
    lookup_field = "key"
    lookup_value_converter = "slug"
    filterset_fields: tuple[str, ...] = ("is_listed",)

    @extend_schema(request=None, responses={200: AppSerializer}, examples=[_APP])
    @action(detail=True, methods=["post"])
    def show(self, request: Request, key: str) -> Response:
        """Offer it in the catalogue."""
        return self._listed(is_listed=True)

    @extend_schema(request=None, responses={200: AppSerializer}, examples=[_APP])
    @action(detail=True, methods=["post"])
    def hide(self, request: Request, key: str) -> Response:
        """Offer it no more; what runs goes on."""
        return self._listed(is_listed=False)

    def _listed(self, *, is_listed: bool) -> Response:
        row = self.get_object()
        services.set_listed(row, is_listed, actor=self.actor)
        return self.shown(row)


class CatalogueViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """The apps that can be deployed from here."""

    access = "catalogue"
    serializer_class = AppSerializer
    queryset = App.objects.all()
    lookup_field = "key"
    lookup_value_converter = "slug"

    def get_queryset(self) -> QuerySet[App]:
        """Those that are listed and have a release."""
        return services.catalogue()


@extend_schema_view(
    list=extend_schema(examples=[_RELEASE]), retrieve=extend_schema(examples=[_RELEASE])
)
class ReleaseViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Releases of all apps, newest first."""

    access = "releases"
    serializer_class = ReleaseSerializer
    queryset = Release.objects.all()
    lookup_field = "pk"
    lookup_value_converter = "str"
    filterset_fields = ("app__key", "is_withdrawn")
    changed_fields = ("published_at",)

    def get_queryset(self) -> QuerySet[Release]:
        """With their apps."""
        return Release.objects.select_related("app")

    @extend_schema(request=None, responses={200: ReleaseSerializer}, examples=[_RELEASE])
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Offer it no more; what runs of it goes on. 409 where it is withdrawn already."""
        row = self.get_object()
        services.withdraw(row, actor=self.actor)
        return self.shown(row)
