"""Erasures and their certificates over the operator's API."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.resources import Resource
from apps.core.api.serializers import ModelSerializer
from apps.core.exceptions import DomainError, NotFoundError
from apps.operations.api import OperationSerializer, accepted
from apps.tenants.closing import PERMISSION
from apps.tenants.erasing.again import erase_again
from apps.tenants.erasing.certificates import as_json
from apps.tenants.erasing.people import erase_person_again, people_come_back
from apps.tenants.models import Erasure

# Makers of clients know no other type of a file.
_BYTES = "application/octet-stream"
_EXAMPLE = OpenApiExample(
    "An erased organisation",
    {
        "id": "0b1f3d52-54a4-4a43-b7a9-7f2d4f1d8a10",
        "organisation": "4c2f0d0e-2f7a-4f65-9a1b-7b0a3c5d8e21",
        "name": "Acme Fiber",
        "slug": "acme",
        "asked_by": "owner",
        "asked_at": "2026-01-01T09:00:00Z",
        "begun_at": "2026-01-31T09:00:00Z",
        "erased_at": "2026-01-31T09:00:42Z",
        "backups_until": "2026-03-07T09:00:42Z",
        "counts": {"rows": {"organisations": 1}},
        "kept": ["This certificate: the organisation’s name and address, without any person."],
        "unproven": [],
    },
    response_only=True,
)


class ErasureSerializer(ModelSerializer[Erasure]):
    """An organisation that is being erased or was; it names no person."""

    id = serializers.UUIDField(source="uuid", read_only=True)
    counts = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        read_only=True,
        help_text="What went, by kind and name.",
    )
    kept = serializers.ListField(child=serializers.CharField(), read_only=True)
    unproven = serializers.ListField(
        child=serializers.DictField(),
        read_only=True,
        help_text="What nobody saw go, by lost server.",
    )

    class Meta:
        model = Erasure
        fields = (
            "id",
            "organisation",
            "name",
            "slug",
            "asked_by",
            "asked_at",
            "begun_at",
            "erased_at",
            "backups_until",
            "counts",
            "kept",
            "unproven",
        )
        read_only_fields = fields


class RefusalSerializer(serializers.Serializer[Any]):
    """Why somebody could not be erased yet."""

    schema = serializers.CharField()
    person = serializers.UUIDField()
    message = serializers.CharField()


class PeopleErasedSerializer(serializers.Serializer[Any]):
    """How many people were erased again, and who could not be."""

    erased = serializers.IntegerField()
    refused = RefusalSerializer(many=True)


@extend_schema_view(
    list=extend_schema(examples=[_EXAMPLE]), retrieve=extend_schema(examples=[_EXAMPLE])
)
class ErasureViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Organisations that are erased, with what went and what stays."""

    access = "erasures"
    permissions: ClassVar = dict.fromkeys(("again", "people"), PERMISSION)
    serializer_class = ErasureSerializer
    queryset = Erasure.objects.all()
    filterset_fields = ("slug", "organisation", "asked_by")
    changed_fields = ("begun_at", "erased_at")

    @extend_schema(responses={(200, _BYTES): OpenApiTypes.BINARY})
    @action(detail=True)
    def certificate(self, request: Request, uuid: UUID) -> HttpResponse:
        """The signed certificate as a file of JSON; 404 until all is erased."""
        erasure = self.get_object()
        if erasure.erased_at is None:
            raise NotFoundError(_("It is not erased yet."))
        answer = HttpResponse(as_json(erasure), content_type=_BYTES)
        name = f"erasure-{erasure.organisation}.json"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

    @extend_schema(request=None, responses={202: OperationSerializer})
    @action(detail=True, methods=["post"])
    def again(self, request: Request, uuid: UUID) -> Response:
        """Erase an organisation that a restore brought back; 409 where it has not come back."""
        return accepted(erase_again(self.get_object(), actor=self.actor))

    @extend_schema(request=None, responses={200: PeopleErasedSerializer})
    @action(detail=False, methods=["post"])
    def people(self, request: Request) -> Response:
        """Erase all people again whom a restore brought back, each for themselves."""
        refused = []
        returned = list(people_come_back())
        for one in returned:
            try:
                erase_person_again(one, actor=self.actor)
            except DomainError as error:
                about = {"schema": one.row.schema, "person": one.row.person}
                refused.append({**about, "message": error.message})
        shown = {"erased": len(returned) - len(refused), "refused": refused}
        return Response(PeopleErasedSerializer(shown).data)
