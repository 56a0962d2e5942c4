"""Requests that nobody thought of, made up from each kind's OpenAPI document: none is our fault."""

import json
from typing import Any

import pytest
import requests
import schemathesis
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core import NOT_SET
from schemathesis.core.transport import Response

from tests.api.conftest import key_in

HOSTS = {
    "operator": ("dotmac.localhost", "public"),
    "console": ("acme.dotmac.localhost", "c_acme"),
    "workspace": ("acme.apps.localhost", "w_acme"),
}
BOUNDED = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def ask(client: Client, case: Any) -> Any:
    """Make the request of a case, and take back what it did."""
    body = "" if case.body is NOT_SET else json.dumps(case.body)
    query = {name: str(value) for name, value in (case.query or {}).items()}
    # Its own credentials are made up; ours are good.
    given_headers = (case.headers or {}).items()
    headers = {n: str(v) for n, v in given_headers if n.lower() != "authorization"}
    with transaction.atomic():
        answer = client.generic(
            case.method,
            case.formatted_path,
            body,
            content_type="application/json",
            query_params=query,
            headers=headers,
        )
        transaction.set_rollback(True)
    return answer


def as_described(answer: Any) -> Response:
    """An answer in the form that the document is compared with."""
    return Response(
        status_code=answer.status_code,
        headers={name.lower(): [value] for name, value in answer.items()},
        content=answer.content,
        request=requests.Request("GET", "http://dotmac.localhost/").prepare(),
        elapsed=0.0,
        verify=False,
    )


@pytest.mark.parametrize("kind", HOSTS)
def test_no_request_is_answered_by_a_fault(kind: str, db: None, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    cache.clear()
    host, schema = HOSTS[kind]
    key = key_in(schema, "robot@acme.example", is_superuser=True)
    client = Client(headers={"host": host, "authorization": f"Bearer {key}"})
    document = client.get("/api/v1/openapi.json").json()
    described = schemathesis.openapi.from_dict(document)
    seen: set[int] = set()
    for found in described.get_all_operations():
        operation = found.ok()

        @BOUNDED
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            answer = ask(client, case)
            assert answer.status_code < 500
            seen.add(answer.status_code)
            case.operation.validate_response(as_described(answer))

        answers()
    cache.clear()
    # They get somewhere, and are refused too.
    assert seen >= {200, 400, 404}
