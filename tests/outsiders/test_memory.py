"""What a process remembers between requests: in the cache, in memoised functions, in its modules.

One process answers every ISP, so what is remembered is of one schema by its key, or of none.
"""

import importlib
import pkgutil
import re
from functools import lru_cache
from typing import Any

import pytest
from django.core.cache import cache, caches

import apps
import config
import dotmac
from tests.accessibility.world import OWNER, SCHEMAS
from tests.conftest import INITECH
from tests.outsiders.addresses import with_parameters
from tests.outsiders.world import BOB, FIRST_ROW, INITECH_HOSTS, INITECH_SCHEMAS, World
from tests.pages.test_every_address import HOSTS

pytestmark = pytest.mark.timeout(900)
OURS = ("apps", "config", "dotmac")
# Memoised functions by what their answers come from: never from a table of a schema.
OF_SETTINGS = {
    "apps.accounts.keys._signing_key",
    "apps.accounts.keys._verify_key",
    "apps.accounts.providers.services._cipher",
    "apps.accounts.security.factors._cipher",
    "apps.alerts.channels._cipher",
    "apps.backups.opening.cipher",
    "apps.branding.post._cipher",
    "apps.branding.senders._cipher",
    "apps.certificates.sealing._cipher",
    "apps.fleet.edge.edge",
    "apps.fleet.services.certificates._cipher",
    "apps.instances.sealed._cipher",
    "apps.notifications.gateways._cipher",
    "apps.tenants.erasing.traces._cipher",
    "apps.webhooks.secrets._cipher",
    "apps.webhooks.services._reach",
    "dotmac.edge.probe._trusting",
    "dotmac.webhooks.sending._context",
}
OF_CODE = {
    "apps.accounts.access.all_limits",
    "apps.accounts.access.all_permissions",
    "apps.branding.domains._list",
    "apps.core.api.filtering._complete",
    "apps.core.places._countries",
    "apps.core.places.names_in",
    "apps.core.zones.time_zones",
    "apps.core.zones.zones_by_continent",
    "apps.core.zones.zones_by_country",
    "apps.lists.filters._within",
    "apps.subscribers.importing.columns._countries",
    "apps.tenancy.kinds.app_labels",
    "apps.tenancy.migrating.behind.needed",
    "apps.tenancy.templates.fingerprint",
    "apps.tenants.places._currencies",
}
OF_THEIR_ARGUMENTS = {
    "apps.branding.colours.shades_of",
    "apps.lists.rows._drawn_tag",
    "apps.lists.rows._yes_or_no",
}
# Of servers, which are the operator's, by their names.
OF_SERVERS = {
    "apps.fleet.engines._docker",
    "apps.fleet.engines._guarded",
    "apps.fleet.engines.fake_engine",
    "apps.fleet.probes._pool",
}
# Modules that remember something of requests, and by what it is kept apart.
GROWING = {
    "apps.tenancy.middleware._hosts": "the host's name",
    "apps.core.api.serializers._built": "classes alone: what a field of a model becomes",
}


# Importing them makes this process one that serves, with its pool, its loop and its collections.
_SERVING = {"config.server", "config.isp.web"}


def modules() -> list[Any]:
    found = []
    for package in (apps, config, dotmac):
        for one in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            is_run = any(part in one.name for part in ("__main__", ".settings", ".test"))
            is_run = is_run or one.name in _SERVING
            if not is_run and ".management" not in one.name and ".migrations" not in one.name:
                found.append(importlib.import_module(one.name))
    return found


def memoised() -> set[str]:
    kind = type(lru_cache(len))
    spaces = [space for module in modules() for space in (module, *_classes(module))]
    return {
        f"{one.__module__}.{one.__qualname__}"
        for space in spaces
        for one in vars(space).values()
        if isinstance(one, kind) and one.__module__.split(".")[0] in OURS
    }


def _classes(module: Any) -> list[type]:
    return [one for one in vars(module).values() if isinstance(one, type)]


def test_every_memoised_function_depends_on_no_schema() -> None:
    known = OF_SETTINGS | OF_CODE | OF_THEIR_ARGUMENTS | OF_SERVERS
    assert memoised() == known, "Say above what the answers come from: not from a schema's tables"


def sizes() -> dict[str, int]:
    """How much each container of a module holds."""
    return {
        f"{module.__name__}.{name}": len(value)
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, dict | list | set) and not name.startswith("__")
    }


# What is only Acme's: names, and numbers of rows.
_MARKS = re.compile(
    "|".join(["Acme Fiber", "Alice Acme", "Emil Novak", "Fay Ito", OWNER])
    + rf"|\b{FIRST_ROW // 1000}\d\d\d\b"
)


def test_what_one_isp_s_pages_left_behind_shows_on_no_page_of_another(world: World) -> None:
    # Each view once: it is the same one at both kinds.
    plain = {
        one.name: one
        for kind in ("console", "workspace")
        for one in world.of(kind)
        if one.name not in with_parameters(kind)
    }
    cache.clear()
    before = sizes()
    for one in plain.values():
        world.ask(one, "GET", OWNER, HOSTS[one.kind])
    after = sizes()
    assert {name for name in after if after[name] > before[name]} <= GROWING.keys()
    wrong = []
    for one in plain.values():
        asked = world.ask(one, "GET", BOB, INITECH_HOSTS[one.kind])
        found = _MARKS.search(asked.text)
        if found or not asked.schemas <= {"public", INITECH_SCHEMAS[one.kind]}:
            wrong.append((one.name, found and found[0], asked.schemas))
    assert wrong == []
    # As django_tenants.cache.make_key begins them.
    schemas = {key.partition(":")[0] for key in caches["default"]._cache}
    assert schemas >= {SCHEMAS["console"], INITECH.console}
    assert schemas <= {"public", *SCHEMAS.values(), *INITECH_SCHEMAS.values()}
