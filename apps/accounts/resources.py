"""What the resources of the API stand on: who may use them, and their manners."""

from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from apps.accounts.access import may, within_limits
from apps.accounts.labelling import set_labels
from apps.accounts.programs import Principal
from apps.accounts.scopes import only_reads
from apps.core.api.labels import LABELS, Labels
from apps.core.api.once import SecretResponse
from apps.core.api.views import Manners
from apps.events.actors import Actor, user_actor
from dotmac.crypto.secret import Secret

_RIGHTS = {"GET": "view", "HEAD": "view", "OPTIONS": "view"}


def may_write(request: HttpRequest | Request) -> bool:
    """Whether the key may write at all, or the request only reads."""
    return request.method in _RIGHTS or not only_reads(getattr(request.user, "scopes", ()))


class MayUse(BasePermission):
    """Those whose role grants what the resource asks for, or what the admin does of its rows."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the program may do this to rows of the resource."""
        does = [view.action]
        if view.action == "bulk":
            # What its rows do.
            does = [name for name in ("create", "partial_update") if hasattr(view, name)]
        wanted = [_wanted(str(request.method), view, name) for name in does]
        return may_write(request) and all(may(request.user, one) for one in wanted)


def _wanted(method: str, view: Any, action: str) -> str:
    named: str | None = view.permissions.get(action)
    if named is not None:
        return named
    right = _RIGHTS.get(method) or ("add" if action == "create" else "change")
    options = view.queryset.model._meta
    return f"{options.app_label}.{right}_{options.model_name}"


def right_to_list(resource: "type[Resource]") -> str:
    """What it takes to list a resource's rows."""
    rows: Any = resource.queryset
    options = rows.model._meta
    return resource.permissions.get("list") or f"{options.app_label}.view_{options.model_name}"


class Resource(Manners, GenericViewSet[Any]):
    """A resource of the API, for staff of its schema."""

    permission_classes = [MayUse]
    # What the area is called in the document.
    access = ""
    # What an action asks for by name, where that is not a right on the resource's rows.
    permissions: ClassVar[dict[str, str]] = {}
    lookup_field = "uuid"
    lookup_value_converter = "uuid"

    @property
    def actor(self) -> Actor:
        """Who asks, for the log."""
        return user_actor(self.request.user)

    @property
    def by(self) -> Principal:
        """Who asks."""
        assert isinstance(self.request.user, Principal)
        return self.request.user

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Of what a limited member is limited to."""
        return super().filter_queryset(within_limits(self.request.user, queryset))

    def shown(self, row: Model, status: int = 200) -> Response:
        """A row as it is after it was changed."""
        again = self.get_queryset().get(pk=row.pk)
        shown = self.get_serializer_class()(again, context={"request": self.request}).data
        return Response(shown, status=status)

    def checked(
        self, serializer: Any, row: Model | None = None, *, data: Any = None
    ) -> dict[str, Any]:
        """The request's values, or data, by a serializer class; of a row only those sent."""
        given = self.request.data if data is None else data
        asked = serializer(row, data=given, partial=row is not None)
        asked.is_valid(raise_exception=True)
        values: dict[str, Any] = asked.validated_data
        return values

    def with_secret(self, row: Model, name: str, secret: Secret, *, status: int = 200) -> Response:
        """A row with what is shown this once, which is not kept for idempotency keys."""
        return SecretResponse(self.shown(row).data, {name: secret}, status=status)


class LabelledResource(Resource):
    """A resource that other systems may refer to, by `external_id`, and note `metadata` at."""

    # Those that no service of its own takes.
    taken: tuple[str, ...] = LABELS
    _labels: dict[str, Any]

    def checked(
        self, serializer: Any, row: Model | None = None, *, data: Any = None
    ) -> dict[str, Any]:
        """The values without the labels, which `labelled` writes."""
        values = super().checked(serializer, row, data=data)
        self._labels = {name: values.pop(name) for name in self.taken if name in values}
        return values

    def labelled(self, row: Any, status: int = 200) -> Response:
        """Write the labels that were sent along, and show the row."""
        self.label(row)
        return self.shown(row, status)

    def label(self, row: Any) -> None:
        """Write the labels that were sent along."""
        set_labels(row, actor=self.actor, **self._labels)

    @extend_schema(request=Labels)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what another system calls it, and what it notes beside it."""
        row = self.get_object()
        self.check_labelling(row)
        self.checked(Labels, row)
        return self.labelled(row)

    def check_labelling(self, row: Any) -> None:
        """PermissionDenied for a row that is seen but not noted at; by default there is none."""
