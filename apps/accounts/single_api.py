"""What the API of something stands on of which a schema has one."""

from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.access import may
from apps.accounts.resources import may_write
from apps.core.api.etags import etag_of, matches
from apps.core.api.serializers import ModelSerializer
from apps.core.api.views import Manners
from apps.core.exceptions import PreconditionError


class MayUseOnly(BasePermission):
    """As in the admin."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """By the right on the row."""
        is_looking = request.method in ("GET", "HEAD", "OPTIONS")
        right = getattr(view, "looking", "view") if is_looking else "change"
        app, name = view.model.split(".")  # type: ignore[attr-defined]
        return may_write(request) and may(request.user, f"{app}.{right}_{name}")


class OnlyOne(Manners):
    """Something of which a schema has one."""

    permission_classes = [MayUseOnly]
    serializer_class: type[ModelSerializer[Any]]
    # As “branding.brand”.
    model = ""
    # The right that it takes to look.
    looking = "view"

    def shown(self, row: Model) -> Response:
        """As it is."""
        return Response(self.data_of(row))

    def data_of(self, row: Model) -> Any:
        """What is shown of it."""
        return self.serializer_class(row, context={"request": self.request}).data

    def changed(self, row: Model) -> dict[str, Any]:
        """What was sent, checked."""
        self.check_version(row)
        sent = self.serializer_class(row, data=self.request.data, partial=True)
        sent.is_valid(raise_exception=True)
        values: dict[str, Any] = sent.validated_data
        return values

    def check_version(self, row: Model) -> None:
        """PreconditionError where If-Match names another one."""
        asked = self.request.headers.get("If-Match")
        if asked and not matches(asked, etag_of(self.data_of(row))):
            raise PreconditionError(
                _("It was changed since you read it. Read it again, then decide.")
            )
