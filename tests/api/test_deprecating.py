"""What will go says so: in its answers, in the document, and in the log."""

from datetime import UTC, datetime

import pytest
from django.urls import path, resolve
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from structlog.testing import capture_logs

from apps.core.api.deprecating import Deprecation, deprecated
from apps.core.api.views import Manners

GOING = Deprecation(
    since=datetime(2026, 3, 1, tzinfo=UTC),
    sunset=datetime(2027, 3, 1, tzinfo=UTC),
    instead="https://dotmac.example/changes#1",
)


class OldView(Manners):
    """A resource that goes as a whole."""

    authentication_classes = []
    permission_classes = []
    deprecation = GOING

    @extend_schema(responses={200: None})
    def get(self, request: Request) -> Response:
        return Response()


class HalfOldView(Manners):
    """A resource of which one method goes."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(responses={200: None})
    def get(self, request: Request) -> Response:
        return Response()

    @deprecated(GOING)
    @extend_schema(request=None, responses={200: None})
    def delete(self, request: Request) -> Response:
        return Response()


URLS = [
    path("api/v1/old/", OldView.as_view(), name="old"),
    path("api/v1/half/", HalfOldView.as_view(), name="half"),
]


def test_answers_and_log_say_so() -> None:
    request = APIRequestFactory().get("/api/v1/old/")
    request.resolver_match = resolve(request.path, tuple(URLS))
    with capture_logs() as logged:
        answer = OldView.as_view()(request)
    assert answer["deprecation"] == "@1772323200"
    assert answer["sunset"] == "Mon, 01 Mar 2027 00:00:00 GMT"
    assert answer["link"].startswith("<https://dotmac.example/changes#1>")
    (line,) = logged
    assert (line["event"], line["route"]) == ("deprecated_api_used", "old")


@pytest.mark.django_db
def test_one_method_may_go_alone() -> None:
    view = HalfOldView.as_view()
    assert "deprecation" not in view(APIRequestFactory().get("/api/v1/half/"))
    assert "sunset" in view(APIRequestFactory().delete("/api/v1/half/"))


def test_the_document_marks_it() -> None:
    document = SchemaGenerator(patterns=URLS).get_schema(request=None, public=True)
    marked = {
        (address, method)
        for address, methods in document["paths"].items()
        for method, operation in methods.items()
        if operation.get("deprecated")
    }
    assert marked == {("/api/v1/old/", "get"), ("/api/v1/half/", "delete")}
