"""Resources of which a schema has one: read, and changed in part."""

from typing import Any, ClassVar

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
from apps.events.actors import Actor, user_actor
from dotmac.crypto.secret import Secret


class MayUseOnly(BasePermission):
    """By the permission that the view names for the method, or else as in the admin."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """A method that is not there is refused as such to who may read."""
        named: dict[str, str] = getattr(view, "permissions", {})
        method = "GET" if request.method in ("HEAD", "OPTIONS") else str(request.method)
        wanted = named.get(method) or named.get("GET") or _of_the_model(view, method)
        return may_write(request) and may(request.user, wanted)


def _of_the_model(view: APIView, method: str) -> str:
    app, name = view.model.split(".")  # type: ignore[attr-defined]
    return f"{app}.{'view' if method == 'GET' else 'change'}_{name}"


class OnlyOne(Manners):
    """One row; its serializer shows a constant `id`, so that it has a version."""

    permission_classes = [MayUseOnly]
    # What it takes by method, or the model whose rights it takes, as “branding.brand”.
    permissions: ClassVar[dict[str, str]] = {}
    model = ""
    serializer_class: type[ModelSerializer[Any]]

    @property
    def actor(self) -> Actor:
        """Who asks, for the log."""
        return user_actor(self.request.user)

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


def taken_secret(values: dict[str, Any], name: str) -> Secret | None:
    """Take a secret out of what was sent; None where the present one stays."""
    text = str(values.pop(name, "") or "")
    return Secret(text) if text else None
