"""Programs of two ISPs, each with a key, and Acme's shop."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import Membership, User
from apps.core.api.codes import problem_codes
from apps.tenancy.kinds import schema_of
from tests.conftest import Isp
from tests.instances.world import adopt, engine, new_shop, platform, running_shop, sign_up
from tests.keys import key_like

__all__ = ["engine", "new_shop", "platform", "running_shop", "sign_up"]


class Program:
    """A program that talks to the API of one host with one key."""

    def __init__(self, host: str, key: str = "") -> None:
        authorization = {"authorization": f"Bearer {key}"} if key else {}
        self.client = Client(headers={"host": host, **authorization}, enforce_csrf_checks=True)

    def get(
        self, path: str, headers: dict[str, str] | None = None, **query: object
    ) -> HttpResponse:
        """Read a resource below /api/v1/, or at a whole address."""
        return self.client.get(self._at(path), query, headers=headers)

    def post(
        self, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> HttpResponse:
        """Ask for something, in JSON."""
        return self.send("POST", path, body, headers)

    def patch(self, path: str, body: object, headers: dict[str, str] | None = None) -> HttpResponse:
        """Change something, in JSON."""
        return self.send("PATCH", path, body, headers)

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> HttpResponse:
        """A request with a body in JSON."""
        text = json.dumps({} if body is None else body)
        return self.client.generic(
            method, self._at(path), text, content_type="application/json", headers=headers
        )

    def _at(self, path: str) -> str:
        return path if path.startswith(("/", "http")) else f"/api/v1/{path}"


def key_in(
    schema: str, email: str, *, is_staff: bool = True, is_superuser: bool = False, role: str = ""
) -> str:
    """A key of a new person of a schema."""
    with schema_of(schema):
        user = User.objects.create_user(email, is_staff=is_staff, is_superuser=is_superuser)
        if role:
            Membership.objects.create(user=user, role=role)
        return key_like(user)[1].reveal()


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """What another test asked counts for none, nor does its plan."""
    cache.clear()


@pytest.fixture
def program(acme: Isp, platform: None) -> Program:
    """A program of Acme's staff."""
    return Program(acme.console_host, key_in(acme.console, "robot@acme.example", role="admin"))


@pytest.fixture
def outsider(initech: Isp, platform: None) -> Program:
    """A program of Initech's staff, at Initech."""
    adopt(initech)
    return Program(
        initech.console_host, key_in(initech.console, "robot@initech.example", role="admin")
    )


@pytest.fixture
def intruder(acme: Isp, initech: Isp, platform: None) -> Program:
    """A program that shows Initech's key to Acme."""
    return Program(
        acme.console_host, key_in(initech.console, "intruder@initech.example", role="admin")
    )


@pytest.fixture
def desk(acme: Isp, db: None) -> Program:
    """A program at Acme's workspace, with the key of somebody who may do everything."""
    key = key_in(acme.workspace, "alice@acme.example", is_superuser=True)
    return Program(acme.workspace_host, key)


@pytest.fixture
def desk_of_initech(initech: Isp, db: None) -> Program:
    """The same at Initech: the outsider."""
    key = key_in(initech.workspace, "bob@initech.example", is_superuser=True)
    return Program(initech.workspace_host, key)


@pytest.fixture
def platform_desk(db: None) -> Program:
    """A program of the operator's, with the key of somebody who may do everything."""
    key = key_in("public", "olga@dotmac.example", is_superuser=True)
    return Program("dotmac.localhost", key)


@pytest.fixture
def problem() -> Callable[[HttpResponse], dict[str, Any]]:
    """Check an error's form, and return it."""

    def read(response: HttpResponse) -> dict[str, Any]:
        assert response["content-type"] == "application/problem+json"
        body: dict[str, Any] = json.loads(response.content)
        assert body["status"] == response.status_code
        assert body["request_id"] == response["x-request-id"]
        assert body["type"].endswith(f"/api/docs/errors/#{body['code']}")
        assert body["code"] in {one.code for one in problem_codes()}
        assert {"type", "title", "code", "detail"} <= body.keys()
        return body

    return read
