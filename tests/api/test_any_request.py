"""Requests that nobody thought of, made up from each kind's OpenAPI document: none is our fault."""

import json
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.core.transport import Response

from tests.api.conftest import key_in

# Some thousand requests, on a machine that may do other things.
pytestmark = pytest.mark.timeout(900)
HOSTS = {
    "operator": ("dotmac.localhost", "public"),
    "console": ("acme.dotmac.localhost", "c_acme"),
    "workspace": ("acme.apps.localhost", "w_acme"),
}
# Of each operation so many requests as its document allows, and such as it forbids.
EXAMPLES = {GenerationMode.POSITIVE: 8, GenerationMode.NEGATIVE: 4}


def bounded(mode: GenerationMode) -> settings:
    """So many, and the same ones each time."""
    return settings(
        max_examples=EXAMPLES[mode],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def _in_json(body: Any) -> str:
    return "" if body is NOT_SET else json.dumps(body, default=str)


def ask(client: Client, case: Any) -> Any:
    """Make the request of a case, and take back what it did."""
    body = case.body if isinstance(case.body, bytes) else _in_json(case.body)
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


# They get somewhere, and are refused too.
ANSWERED = {GenerationMode.POSITIVE: {200, 400, 404}, GenerationMode.NEGATIVE: {400, 404}}


@pytest.mark.parametrize("mode", EXAMPLES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("kind", HOSTS)
def test_no_request_is_answered_by_a_fault(
    kind: str, mode: GenerationMode, db: None, settings: Any
) -> None:
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

        @bounded(mode)
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: Any) -> None:
            answer = ask(client, case)
            assert answer.status_code < 500
            seen.add(answer.status_code)
            case.operation.validate_response(as_described(answer))

        # Of some nothing can be wrong: they take neither parameters nor a body.
        with suppress(Unsatisfiable):
            answers()
    cache.clear()
    assert seen >= ANSWERED[mode]
