"""Answering authorities: HTTP-01, for every hostname, before a host is looked up."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.certificates.models import ChallengeAnswer
from apps.tenancy.kinds import to_public
from dotmac.acme import HTTP
from dotmac.edge.traefik_config import CHALLENGE_PATH

_LONGEST_TOKEN = 200


class ChallengeMiddleware:
    """Says what was promised for a token; the edge leads the path here from port 80."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(CHALLENGE_PATH):
            return self.get_response(request)
        token = request.path.removeprefix(CHALLENGE_PATH)
        text = self._text_for(token) if 0 < len(token) <= _LONGEST_TOKEN else None
        if text is None:
            return HttpResponse("Nothing is proved here.", status=404, content_type="text/plain")
        return HttpResponse(text, content_type="application/octet-stream")

    @staticmethod
    def _text_for(token: str) -> str | None:
        to_public()
        rows = ChallengeAnswer.objects.filter(kind=HTTP, token=token)
        return rows.values_list("text", flat=True).first()
