"""A workspace's addresses with one more: the list of subscribers as a plain Django view."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path

from apps.subscribers.models import ServiceAddress, Subscriber
from config.urls import workspace

_FIELDS = ("number", "name", "email", "phone", "status", "external_id", "language")
_PLACE = ("street", "postcode", "city", "country", "lat", "lon")


def subscribers(_request: HttpRequest) -> JsonResponse:
    """Twenty of them, newest first, by the queries of the API."""
    rows = Subscriber.objects.order_by("-pk").prefetch_related("addresses")[:20]
    return JsonResponse({"results": [_subscriber(row) for row in rows]})


def _subscriber(row: Subscriber) -> dict[str, Any]:
    return {
        "id": row.uuid,
        **{name: getattr(row, name) for name in _FIELDS},
        "has_portal_access": row.user_id is not None,
        "addresses": [_address(address) for address in row.addresses.all()],
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _address(row: ServiceAddress) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _PLACE}


urlpatterns = [path("floor/subscribers/", subscribers), *workspace.urlpatterns]
