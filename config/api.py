"""The API's addresses, composed for each kind of schema."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.routers import DefaultRouter
from rest_framework.viewsets import ViewSetMixin

from apps.operations.api import OperationViewSet


def api_urls(**resources: type[ViewSetMixin]) -> list[object]:
    """`/api/v1/` with operations and the kind's own resources, its document and its browser."""
    router = DefaultRouter(use_regex_path=False)
    router.include_root_view = False
    for name, viewset in {"operations": OperationViewSet, **resources}.items():
        router.register(name, viewset)
    return [
        path("api/v1/", include(router.urls)),
        path("api/v1/openapi.json", SpectacularAPIView.as_view(), name="schema"),
        path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="api_docs"),
    ]
