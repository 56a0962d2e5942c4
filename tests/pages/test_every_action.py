"""Every action, asked by each built-in role: of chosen rows, of one row, and by the API's methods.

An action without a line in tests/pages/action_table.py fails here.
"""

from collections.abc import Iterator
from functools import wraps
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts.access import BUILT_IN
from apps.instances.constants import ASKED
from apps.subscribers.admin import _PERSON_STEPS
from apps.subscribers.bulk import SERVICE_STEPS
from apps.tenancy.kinds import schema_of
from apps.webhooks.admin import _ACTS
from apps.webhooks.models import Endpoint
from apps.work.admin import STEERED
from tests.pages.action_table import CHOSEN, STEPS, WRITES
from tests.pages.needs import NOBODY, OWNERS
from tests.pages.role_table import NEEDS
from tests.pages.roles_held import HOLDS
from tests.pages.test_every_address import HOSTS, name_of, values, walk
from tests.pages.test_every_role import SCHEMAS, Person

__all__ = ["values"]

ROLES = [*BUILT_IN, OWNERS]
# What each address that names a step knows.
KNOWN = {
    "admin:instances_do": set(ASKED),
    "admin:subscribers_do": set(_PERSON_STEPS),
    "admin:subscribers_do_service": set(SERVICE_STEPS),
    "admin:webhooks_endpoint_do": {*_ACTS, "rotate"},
    "admin:work_due_steer": set(STEERED),
}
_METHODS = ("patch", "delete", "put")


def views(kind: str) -> dict[str, URLPattern]:
    def below(patterns: list[Any], space: str = "") -> Iterator[tuple[str, URLPattern]]:
        for one in patterns:
            if isinstance(one, URLResolver):
                inner = ":".join(filter(None, [space, one.namespace]))
                yield from below(one.url_patterns, inner)
            else:
                yield name_of(one, space), one

    return dict(below(get_resolver(f"config.urls.{kind}").url_patterns))


def site_of(kind: str) -> AdminSite:
    """The very site that answers at a kind."""
    found: AdminSite = views(kind)["admin:index"].callback.admin_site  # type: ignore[attr-defined]
    return found


def lists(kind: str) -> Iterator[tuple[str, Any, list[str]]]:
    """Each list by its name, its admin, and what can be done to chosen rows of it."""
    for model, admin in site_of(kind)._registry.items():
        if admin.actions is not None:
            names = [name for _do, name, _said in admin._get_base_actions()]
            yield f"{model._meta.app_label}_{model._meta.model_name}", admin, names


def asked_by(name: str, action: str) -> str:
    if action == "delete_selected":
        return NEEDS.get(f"admin:{name}_delete", (NOBODY, NOBODY))[1]
    return CHOSEN[name][action]


def holds(role: str, key: str) -> bool:
    return key != NOBODY and (role == OWNERS or key in HOLDS[role])


def test_every_action_of_chosen_rows_stands_in_the_table() -> None:
    found = {
        (name, action)
        for kind in HOSTS
        for name, _admin, actions in lists(kind)
        for action in actions
        if action != "delete_selected"
    }
    assert found == {(name, one) for name, actions in CHOSEN.items() for one in actions}, (
        "Say in tests/pages/action_table.py who may do it"
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", HOSTS)
def test_a_role_does_to_chosen_rows_what_the_table_says(
    kind: str, role: str, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, str]] = []

    def noted(name: str, action: str, do: Any) -> Any:
        @wraps(do)
        def instead(*_given: Any) -> None:
            done.append((name, action))

        return instead

    site, wanted = site_of(kind), []
    person = Person(kind, role)
    for name, admin, actions in lists(kind):
        for do, action, _said in admin._get_base_actions():
            if action == "delete_selected":
                monkeypatch.setitem(site._actions, action, noted("", action, do))
            else:
                monkeypatch.setattr(type(admin), action, noted(name, action, do))
        for action in actions:
            path = reverse(f"admin:{name}_changelist", f"config.urls.{kind}")
            answer = person.browser.post(path, {"action": action, ACTION_CHECKBOX_NAME: "1"})
            assert answer.status_code < 500
            if holds(role, asked_by(name, action)):
                wanted.append(("" if action == "delete_selected" else name, action))
    assert done == wanted


def test_every_step_stands_in_the_table(values: dict[str, str]) -> None:
    marked = {key: f"~{key}~" for key in ("what", *values)}
    found = {
        name
        for kind in HOSTS
        for name, path in walk(get_resolver(f"config.urls.{kind}").url_patterns, marked)
        if "~what~" in path
    }
    assert found == STEPS.keys() == KNOWN.keys()
    assert {name: set(steps) for name, steps in STEPS.items()} == KNOWN


@pytest.mark.parametrize("role", ROLES)
def test_a_role_takes_the_steps_that_the_table_says(role: str, values: dict[str, str]) -> None:
    wrong, tried = [], set()
    for kind in HOSTS:
        with schema_of(SCHEMAS[kind]):
            known = {**values, "object_id": str(_endpoint().pk)}
        person = Person(kind, role)
        patterns = get_resolver(f"config.urls.{kind}").url_patterns
        for name, _path in walk(patterns, values):
            for what, key in STEPS.get(name, {}).items():
                path = dict(walk(patterns, {**known, "what": what}))[name]
                answer = posted(person, path)
                tried.add(name)
                if (answer == 403) == holds(role, key):
                    wrong.append((kind, name, what, answer))
    assert wrong == []
    assert tried == STEPS.keys()


def _endpoint() -> Endpoint:
    return Endpoint.objects.create(url="https://crm.acme.example/hook", types=[], secret="")


def posted(person: Person, path: str, method: str = "POST") -> int:
    client = person.program if path.startswith("/api/") else person.browser
    with transaction.atomic():
        answer = client.generic(method, path)
        transaction.set_rollback(True)
    return answer.status_code


def written(kind: str) -> dict[str, set[str]]:
    """The API's addresses with what they do besides GET and POST."""
    found = {}
    for name, pattern in views(kind).items():
        view: Any = pattern.callback
        has = getattr(view, "actions", None) or dir(getattr(view, "cls", None))
        if hasattr(view, "cls") and set(_METHODS) & set(has):
            found[name] = set(_METHODS) & set(has)
    return found


def test_every_method_that_writes_stands_in_the_table() -> None:
    found = {name: methods for kind in HOSTS for name, methods in written(kind).items()}
    said = {
        name: {method for method, key in zip(_METHODS, keys, strict=False) if key != NOBODY}
        for name, keys in WRITES.items()
    }
    assert found == said


@pytest.mark.parametrize("role", ROLES)
def test_a_role_writes_by_the_api_what_the_table_says(role: str, values: dict[str, str]) -> None:
    wrong, tried = [], set()
    for kind in HOSTS:
        person = Person(kind, role)
        for name, path in walk(get_resolver(f"config.urls.{kind}").url_patterns, values):
            for method, key in zip(_METHODS, WRITES.get(name, ()), strict=False):
                if key == NOBODY:
                    continue
                answer = posted(person, path, method.upper())
                tried.add(name)
                if (answer == 403) == holds(role, key):
                    wrong.append((kind, name, method, key, answer))
    assert wrong == []
    assert tried == WRITES.keys()
