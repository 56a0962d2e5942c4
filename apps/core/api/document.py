"""The OpenAPI document of a kind of schema."""

from threading import Lock
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request

_making = Lock()


class DocumentView(SpectacularJSONAPIView):
    """The same for everybody, so it is made once: that takes seconds, and strangers may ask.

    Given to `as_view` for each kind: its addresses as `patterns`, and an empty dictionary `made`
    for the texts by media type.
    """

    made: ClassVar[dict[str, bytes]] = {}

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The document as JSON."""
        renderer: Any = request.accepted_renderer  # type: ignore[attr-defined]
        form = renderer.media_type
        with _making:
            if form not in self.made:
                self.made[form] = renderer.render(self._document())
        named = f'inline; filename="{self._get_filename(request, None)}"'
        return HttpResponse(
            self.made[form], content_type=form, headers={"Content-Disposition": named}
        )

    def _document(self) -> Any:
        """Made without the request, so that nothing of who asks first is shown to the others."""
        return self.generator_class(patterns=self.patterns).get_schema(request=None, public=True)
