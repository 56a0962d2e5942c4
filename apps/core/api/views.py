"""What every resource of the API does alike."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import idempotency
from apps.core.api.deprecating import Deprecation, deprecation_of, note_use
from apps.core.api.etags import etag_of, matches
from apps.core.api.once import to_be_compared
from apps.core.exceptions import DryRunError, PreconditionError

_SAFE = {"GET", "HEAD", "OPTIONS"}
_YES, _NO = {"true", "1"}, {"", "false", "0"}
Work = Callable[..., Response]


class Manners(APIView):
    """Writes in one transaction, with idempotency keys and dry runs; versions; limits."""

    # False where a request reaches outside the database, which no rollback takes back.
    supports_dry_run = True
    deprecation: Deprecation | None = None

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, and count it before anything is asked: what is refused counts too."""
        try:
            super().perform_authentication(request)
        except APIException:
            self.check_throttles(request)
            raise
        self.check_throttles(request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Put a write's handler into its frame; the framework looks it up after this."""
        super().initial(request, *args, **kwargs)
        method = str(request.method)
        handler = getattr(self, method.lower(), None)
        if method not in _SAFE and handler is not None:
            setattr(self, method.lower(), partial(self._write, handler))

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Add the version of what is shown, and what is left of the limit."""
        shown = getattr(response, "data", None) if response.status_code in (200, 201) else None
        if isinstance(shown, dict) and "id" in shown:
            response = self._versioned(request, response, etag_of(to_be_compared(response)))
        allowance = getattr(request._request, "api_allowance", None)
        for name, value in allowance.headers().items() if allowance else ():
            response[name] = value
        if deprecation := deprecation_of(self):
            note_use(request, deprecation)
            for name, value in deprecation.headers().items():
                response[name] = value
        return super().finalize_response(request, response, *args, **kwargs)

    def get_object(self) -> Any:
        """The row that the address names, of the version that If-Match asks for."""
        row = super().get_object()  # type: ignore[misc]
        asked = self.request.headers.get("If-Match")
        if not asked or self.request.method in _SAFE:
            return row
        # Locked before it is compared: nobody changes it between the two.
        type(row)._default_manager.select_for_update().get(pk=row.pk)
        row = super().get_object()  # type: ignore[misc]
        shown = self.get_serializer_class()(row, context={"request": self.request}).data  # type: ignore[attr-defined]
        if not matches(asked, etag_of(shown)):
            raise PreconditionError(
                _("It was changed since you read it. Read it again, then decide.")
            )
        return row

    def _versioned(self, request: Request, response: Response, etag: str) -> Response:
        known = request.headers.get("If-None-Match", "")
        if request.method in ("GET", "HEAD") and matches(known, etag, is_weak=True):
            response = Response(status=304)
        response["ETag"] = etag
        return response

    def _write(self, handler: Work, request: Request, *args: Any, **kwargs: Any) -> Response:
        is_dry, key = self._is_dry_run(request), idempotency.key_of(request)
        work = partial(handler, request, *args, **kwargs)
        with transaction.atomic():
            if is_dry:
                response = work()
                transaction.set_rollback(True)
                response["Dry-Run"] = "true"
                return response
            return idempotency.answer_once(key, request, work) if key else work()

    def _is_dry_run(self, request: Request) -> bool:
        asked = request.query_params.get("dry_run", "").lower()
        if asked not in _YES | _NO:
            raise ValidationError({"dry_run": [_("Send “true” or “false”.")]})
        if asked in _YES and not self.supports_dry_run:
            raise DryRunError(_("This request cannot be tried without effect."), field="dry_run")
        return asked in _YES
