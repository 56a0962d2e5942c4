"""How what runs is reached, over the operator's API: routes, served certificates, edges."""

from rest_framework import mixins, serializers

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.fleet.models import Certificate, EdgeState, Route


class RouteSerializer(ModelSerializer[Route]):
    """A hostname and whose it is; its upstreams are inside the platform."""

    class Meta:
        model = Route
        fields = ("hostname", "schema", "instance", "notice", "revision", "updated_at")
        read_only_fields = fields


class ServedCertificateSerializer(ModelSerializer[Certificate]):
    """A certificate that the edges have; its key is shown to nobody."""

    hostnames = serializers.ListField(child=serializers.CharField(), read_only=True)
    is_from_authority = serializers.SerializerMethodField(
        help_text="False for files of the machine."
    )

    class Meta:
        model = Certificate
        fields = ("name", "hostnames", "is_from_authority", "expires_at")
        read_only_fields = fields

    def get_is_from_authority(self, row: Certificate) -> bool:
        """Whether the platform obtained it."""
        return bool(row.chain)


class EdgeSerializer(ModelSerializer[EdgeState]):
    """Which revision of all routes was wanted last, and which the edge has."""

    is_current = serializers.SerializerMethodField()

    class Meta:
        model = EdgeState
        fields = ("name", "wanted", "applied", "is_current", "applied_at")
        read_only_fields = fields

    def get_is_current(self, row: EdgeState) -> bool:
        """Whether it has all that is wanted."""
        return row.applied >= row.wanted


class RouteViewSet(mixins.ListModelMixin, Resource):
    """Hostnames and whose they are."""

    access = "fleet"
    serializer_class = RouteSerializer
    queryset = Route.objects.all()
    filterset_fields = ("hostname", "schema", "instance")


class ServedCertificateViewSet(mixins.ListModelMixin, Resource):
    """Certificates that the edges serve, of an authority or of this machine."""

    access = "fleet"
    serializer_class = ServedCertificateSerializer
    queryset = Certificate.objects.all()
    filterset_fields = ("name",)
    ordering_fields = ("name", "expires_at")


class EdgeViewSet(mixins.ListModelMixin, Resource):
    """Edges, and how far each is."""

    access = "fleet"
    serializer_class = EdgeSerializer
    queryset = EdgeState.objects.all()
    changed_fields = ("applied_at",)
