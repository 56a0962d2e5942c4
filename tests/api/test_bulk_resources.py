"""Many rows in one request, of every resource whose rows programs make."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse

from apps.accounts.models import Membership, User
from apps.billing import services as billing
from apps.events.actors import SYSTEM
from apps.events.models import Event
from apps.subscribers.services import create_subscriber
from apps.tenancy.kinds import schema_of
from tests.api.conftest import Program
from tests.api.test_every_list import HOSTS, document_of
from tests.conftest import Isp
from tests.keys import key_like

# What programs make one by one, and why.
ONE_BY_ONE = {
    "/api/v1/alert-channels/": "its answer shows a secret, this once",
    "/api/v1/api-keys/": "its answer shows a secret, this once",
    "/api/v1/backups/": "one at a time, of everything",
    "/api/v1/exports/": "one at a time, of everything",
    "/api/v1/identity-providers/": "a schema has a handful, and each opens accounts",
    "/api/v1/imports/": "a list of many subscribers itself",
    "/api/v1/instances/": "each is an operation of minutes that takes room on a host",
    "/api/v1/organisation-exports/": "each is an operation that writes a file of everything",
    "/api/v1/invitations/": "each sends a mail, of which a day has few",
    "/api/v1/roles/": "a schema has a handful, which people think about",
    "/api/v1/sso-clients/": "its answer shows a secret, this once",
    "/api/v1/verifications/": "one at a time, of everything",
    "/api/v1/webhooks/": "its answer shows a secret, this once",
}


@dataclass
class Batch:
    """Rows of a resource: two new ones, what changes the first, and one that cannot be."""

    name: str
    new: list[dict[str, Any]]
    wrong: dict[str, Any]
    field: str
    changed: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Where they are sent."""
        return f"{self.name.replace('_', '-')}/bulk/"


BATCHES = [
    Batch(
        "services",
        [
            {"external_id": "s-1", "subscriber": "dora", "plan": "fiber-100", "username": "dora"},
            {"external_id": "s-2", "subscriber": "dora", "plan": "fiber-100"},
        ],
        {"external_id": "s-3", "subscriber": "dora", "plan": "fiber-900"},
        "plan",
        {"external_id": "s-1", "metadata": {"router": "r-204"}},
    ),
    Batch(
        "people",
        [
            {"external_id": "hr-1", "email": "emil@acme.example", "name": "Emil", "role": "viewer"},
            {"email": "fay@acme.example"},
        ],
        {"external_id": "hr-3", "email": "nobody"},
        "email",
        {"external_id": "hr-1", "language": "fr"},
    ),
    Batch(
        "service_accounts",
        [
            {"external_id": "v-1", "name": "CRM", "role": "viewer"},
            {"external_id": "v-2", "name": "Meters", "role": "viewer"},
        ],
        {"external_id": "v-3", "name": "None", "role": "king"},
        "role",
        {"external_id": "v-1", "description": "Reads at night"},
    ),
    Batch(
        "plans",
        [{"key": "fiber-1", "name": "Fiber 1"}, {"key": "fiber-2", "name": "Fiber 2"}],
        {"key": "fiber 3", "name": "Fiber 3"},
        "key",
        {"key": "fiber-1", "name": "Fiber One"},
    ),
    Batch(
        "suppressions",
        [{"address": "gone@example.com"}, {"address": "left@example.com", "reason": "Bounced."}],
        {"address": "nobody"},
        "address",
    ),
]
every_batch = pytest.mark.parametrize("batch", BATCHES, ids=lambda batch: batch.name)


@pytest.fixture
def known(acme: Isp, desk: Program) -> Iterator[dict[str, str]]:
    """A subscriber and a plan, by the words that rows have for them."""
    with schema_of(acme.workspace):
        dora = create_subscriber(name="Dora Diaz", actor=SYSTEM)
        plan = billing.create_plan(key="fiber-100", name="Fiber 100", actor=SYSTEM)
        billing.publish_version(plan, billing.Terms("USD", 3900), actor=SYSTEM)
        yield {"dora": str(dora.uuid)}


def bring(
    desk: Program, known: dict[str, str], batch: Batch, *rows: dict[str, Any], query: str = ""
) -> dict[str, Any]:
    filled = [{name: known.get(str(value), value) for name, value in row.items()} for row in rows]
    answer = desk.post(f"{batch.path}{query}", {batch.name: filled})
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def results(body: dict[str, Any]) -> list[str]:
    return [row["result"] for row in body["results"]]


def made(kind: str) -> Iterator[str]:
    """Resources of which a program can make a row, by the kind's document."""
    for path, methods in document_of(kind)["paths"].items():
        if "post" in methods and path.count("/") == 4:
            yield path


@pytest.mark.parametrize("kind", HOSTS)
def test_what_can_be_made_is_made_in_bulk_or_says_why_not(kind: str, db: None) -> None:
    paths = document_of(kind)["paths"]
    found = list(made(kind))
    assert found
    for path in found:
        assert (f"{path}bulk/" in paths) != (path in ONE_BY_ONE), path


def test_every_bulk_request_is_tried_here(db: None) -> None:
    found = {path for kind in HOSTS for path in document_of(kind)["paths"] if "/bulk/" in path}
    tried = {f"/api/v1/{batch.path}" for batch in BATCHES}
    # Of subscribers by test_bulk, of what the operator writes down by test_fleet.
    elsewhere = {"subscribers", "regions", "server-plans", "servers"}
    assert found == tried | {f"/api/v1/{name}/bulk/" for name in elsewhere}
    assert ONE_BY_ONE.keys() <= {path for kind in HOSTS for path in made(kind)}


@every_batch
def test_rows_are_added_then_changed_then_left(
    desk: Program, known: dict[str, str], batch: Batch
) -> None:
    first = bring(desk, known, batch, *batch.new)
    assert results(first) == ["created", "created"], first
    ids = [row["id"] for row in first["results"]]
    again = bring(desk, known, batch, *batch.new)
    assert results(again) == ["unchanged", "unchanged"], again
    assert [row["id"] for row in again["results"]] == ids
    if batch.changed:
        assert results(bring(desk, known, batch, batch.changed)) == ["updated"]
        shown = desk.get(f"{batch.name.replace('_', '-')}/{ids[0]}/").json()
        assert batch.changed.items() <= shown.items()


@every_batch
def test_a_row_in_error_leaves_the_others_and_is_named(
    desk: Program, known: dict[str, str], batch: Batch
) -> None:
    one, two = batch.new
    body = bring(desk, known, batch, one, batch.wrong, {}, one, two)
    assert results(body) == ["created", "error", "error", "error", "created"], body
    assert body["error"] == 3
    assert body["results"][1]["errors"][0]["field"] == batch.field
    assert body["results"][1]["id"] is None


@every_batch
def test_a_dry_run_tells_what_would_become_of_them(
    desk: Program, known: dict[str, str], batch: Batch, acme: Isp
) -> None:
    with schema_of(acme.workspace):
        before = Event.objects.count()
    body = bring(desk, known, batch, *batch.new, query="?dry_run=true")
    assert results(body) == ["created", "created"]
    assert results(bring(desk, known, batch, *batch.new)) == ["created", "created"]
    with schema_of(acme.workspace):
        assert Event.objects.count() > before


@every_batch
def test_the_same_key_gets_the_same_answer(
    desk: Program, known: dict[str, str], batch: Batch
) -> None:
    asked = {
        batch.name: [
            {name: known.get(str(value), value) for name, value in row.items()} for row in batch.new
        ]
    }
    key = {"idempotency-key": f"nightly-{batch.name}"}
    first = desk.post(batch.path, asked, key)
    assert first.json()["created"] == 2
    assert desk.post(batch.path, asked, key).json() == first.json()


@every_batch
@pytest.mark.parametrize("rows", [[], [{}] * 1001, "all", [1]], ids=["none", "1001", "text", "1"])
def test_too_few_too_many_or_no_rows(desk: Program, batch: Batch, rows: object) -> None:
    assert desk.post(batch.path, {batch.name: rows}).status_code == 400


@every_batch
def test_keys_of_any_shape_are_refused_by_row(
    desk: Program, known: dict[str, str], batch: Batch
) -> None:
    odd: list[Any] = [None, 7, ["a"], {"a": 1}, "\x00", " "]
    rows = [{**batch.new[0], **dict.fromkeys(key_names(batch), value)} for value in odd]
    assert set(results(bring(desk, known, batch, *rows))) == {"error"}


@pytest.mark.parametrize("name", ["people", "suppressions"])
def test_an_address_is_the_same_in_any_letters(
    desk: Program, known: dict[str, str], name: str
) -> None:
    batch = next(one for one in BATCHES if one.name == name)
    key = "email" if name == "people" else "address"
    assert results(bring(desk, known, batch, {key: "gone@example.com"})) == ["created"]
    again = [{key: " GONE@Example.com "}, {key: "gone@EXAMPLE.com"}]
    assert results(bring(desk, known, batch, *again)) == ["unchanged", "error"]


def key_names(batch: Batch) -> list[str]:
    return ["external_id", "email", "username", "key", "address"]


def test_a_row_of_who_may_more_is_not_touched(
    desk: Program, acme: Isp, known: dict[str, str]
) -> None:
    with schema_of(acme.workspace):
        helper = User.objects.create_user("helper@acme.example", is_staff=True)
        Membership.objects.create(user=helper, role="admin")
        key = key_like(helper)[1].reveal()
    program = Program(acme.workspace_host, key)
    people = next(batch for batch in BATCHES if batch.name == "people")
    rows = [
        {"email": "alice@acme.example", "language": "fr"},
        {"email": "new@acme.example", "role": "owner"},
        {"email": "ok@acme.example", "role": "viewer"},
    ]
    body = bring(program, known, people, *rows)
    assert results(body) == ["error", "error", "created"], body
    with schema_of(acme.workspace):
        assert User.objects.get(email="alice@acme.example").language == ""
        assert not User.objects.filter(email="new@acme.example").exists()


@every_batch
def test_who_may_make_none_brings_none(acme: Isp, db: None, batch: Batch, problem: Any) -> None:
    with schema_of(acme.workspace):
        viewer = User.objects.create_user("vic@acme.example", is_staff=True)
        Membership.objects.create(user=viewer, role="viewer")
        key = key_like(viewer)[1].reveal()
    answer: HttpResponse = Program(acme.workspace_host, key).post(batch.path, {batch.name: [{}]})
    assert problem(answer)["code"] == "permission_denied"
