"""Every address of every kind, asked by another ISP: with its session, its key, and at its host.

What an address leads to comes from the URL patterns and tests/accessibility/world.py, so that a
new one is asked by itself. It fails here until its parameters lead to a row of Acme's, which its
owner sees, and until Initech sees nothing of it.
"""

import re

import pytest

from apps.tenancy.kinds import PUBLIC
from tests.outsiders.addresses import with_parameters
from tests.outsiders.world import BOB, INITECH_HOSTS, INITECH_SCHEMAS, Asked, World
from tests.pages.needs import ANYBODY
from tests.pages.role_table import NEEDS
from tests.pages.test_every_address import HOSTS, OPEN, Address

pytestmark = pytest.mark.timeout(1500)
NOT_OPERATORS = ("console", "workspace")
# Parameters that name no row of an ISP's, and what they are instead.
NO_ROW = {
    "admin:app_list": "an app of ours",
    "admin:instances_install": "an app of the catalogue",
    "admin:list_columns": "a list",
    "admin:list_export": "a list, which shows Initech its own",
    "admin:list_save_view": "a list",
    "app-detail": "an app of the catalogue",
    "app-hide": "an app of the catalogue",
    "app-show": "an app of the catalogue",
}
# Where this world has nothing even for its owner, and who tries it with something there.
EMPTY = {
    "admin:export_file": "tests/transfers/test_exports.py",
    "admin:record_export_file": "tests/transfers/test_record.py",
    "export-file": "tests/transfers/test_exports.py",
    "organisation_export-file": "tests/api/test_tenants.py",
    "subscriber-personal-data": "tests/subscribers/test_personal_data.py",
    "user-personal-data": "tests/accounts/test_personal_data.py",
    "admin:view_on_site": "nothing of ours has an address elsewhere",
    "admin:django.contrib.admin.sites.AdminSite.catch_all_view": "what is not there",
}


def is_away(asked: Asked) -> bool:
    """Whether nothing is there: what an admin does not find leads back to its home."""
    is_home = asked.status == 302 and asked.answer["location"] == "/admin/"
    return is_home or asked.status in (401, 403, 404, 405)


def leads_on(asked: Asked, world: World) -> bool:
    """Whether it shows nothing itself, but leads to another address, which is asked too."""
    return asked.answer.get("location", "") in {one.path for one in world.addresses}


def is_misspelt(one: Address, asked: Asked) -> bool:
    """Whether the API found fault with a body before it looked for the row."""
    return one.path.startswith("/api/v1/") and asked.status == 400


def is_refused(asked: Asked) -> bool:
    """Whether one is sent to sign in, or told that nothing is there."""
    to = asked.answer.get("location", "")
    return is_away(asked) or (asked.status == 302 and bool(re.search(r"/(login|sso)/", to)))


@pytest.mark.parametrize("kind", HOSTS)
def test_every_parameter_leads_to_what_its_owner_sees(kind: str, world: World) -> None:
    known, named = OPEN | NO_ROW.keys() | EMPTY.keys(), with_parameters(kind)
    missing = {
        (one.name, one.path, asked.status)
        for one, asked in world.own.items()
        if one.kind == kind and one.name in named - known and asked.status in (404, 405)
    }
    assert missing == set(), (
        "Say in tests/accessibility (world.py, or the values of addresses.py) which row of Acme's"
        " these are about, or in EMPTY why there is none"
    )


@pytest.mark.parametrize("kind", NOT_OPERATORS)
def test_the_session_and_key_of_another_isp_open_nothing(kind: str, world: World) -> None:
    wrong = []
    for one in world.of(kind):
        if one.name in OPEN:
            continue
        asked = [world.ask(one, method, BOB, HOSTS[kind]) for method in ("GET", "POST")]
        if not all(map(is_refused, asked)):
            wrong.append((one.name, one.path, [found.status for found in asked]))
    assert wrong == []


@pytest.mark.parametrize("kind", NOT_OPERATORS)
def test_at_another_isp_an_address_leads_to_nothing_of_the_first(kind: str, world: World) -> None:
    """By their own owner, with the numbers and ids of the first ISP's rows."""
    named, wrong = with_parameters(kind), []
    for one in world.of(kind):
        if one.name not in named - NO_ROW.keys() - OPEN:
            continue
        for method in ("GET", "POST"):
            asked = world.ask(one, method, BOB, INITECH_HOSTS[kind])
            is_nothing = is_away(asked) or leads_on(asked, world) or is_misspelt(one, asked)
            if not is_nothing or not asked.schemas <= {PUBLIC, INITECH_SCHEMAS[kind]}:
                wrong.append((one.name, method, one.path, asked.status, asked.schemas))
    assert wrong == []


def test_at_the_operator_an_isp_s_owner_finds_nothing_of_another(world: World) -> None:
    """Theirs is what everybody may, about themselves and their own organisation."""
    named, wrong = with_parameters("operator"), []
    for one in world.of("operator"):
        is_theirs = NEEDS.get(one.name) == (ANYBODY, ANYBODY) and one.name not in named
        if one.name in OPEN or is_theirs or one.name in NO_ROW:
            continue
        for method in ("GET", "POST"):
            asked = world.ask(one, method, BOB, HOSTS["operator"])
            if not is_refused(asked):
                wrong.append((one.name, method, one.path, asked.status))
    assert wrong == []


def test_the_lists_have_no_dead_entries(world: World) -> None:
    assert NO_ROW.keys() | EMPTY.keys() <= {one.name for one in world.addresses}


# What a file is: not a page, nor an answer to a program.
FILES = {
    "admin:accounts_security_people",
    "admin:events_export_csv",
    "admin:events_export_lines",
    "admin:list_export",
    "admin:subscribers_errors",
    "admin:subscribers_export",
    "admin:subscribers_import_example",
    "admin:tenants_erasure_certificate",
    "erasure-certificate",
}


def test_every_file_is_one_of_those_that_were_thought_of(world: World) -> None:
    """Their addresses are asked above with all others: by whom they are not for."""
    found = {
        one.name
        for one, asked in world.own.items()
        if asked.answer.get("content-disposition", "").startswith("attachment")
    }
    assert found == FILES


def test_what_somebody_signed_in_is_shown_is_kept_by_nobody(world: World) -> None:
    """A page that is not for everybody may be stored nowhere; of what a key opens no cache may.

    What came by an Authorization header no shared cache stores unless it is called public
    (RFC 9111, section 3.5).
    """
    wrong = []
    for one, asked in world.own.items():
        said = asked.answer.get("cache-control", "")
        is_api = one.path.startswith("/api/v1/")
        if "public" in said or not (is_api or one.name in OPEN or "no-store" in said):
            wrong.append((one.name, asked.status, said))
    assert wrong == []
