"""The catalogue over the API: what the operator offers, and what an ISP can deploy."""

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers

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
        fields = ("app", "version", "published_at", "is_withdrawn")
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


@extend_schema_view(list=extend_schema(examples=[_RELEASE]))
class ReleaseViewSet(mixins.ListModelMixin, Resource):
    """Releases of all apps, newest first."""

    access = "releases"
    serializer_class = ReleaseSerializer
    queryset = Release.objects.all()
    filterset_fields = ("app__key", "is_withdrawn")
    changed_fields = ("published_at",)

    def get_queryset(self) -> QuerySet[Release]:
        """With their apps."""
        return Release.objects.select_related("app")
