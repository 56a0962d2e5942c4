"""Runbooks name only what there is: commands with their options, targets, pages, other runbooks."""

import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import CommandError, CommandParser
from django.urls import get_resolver

from apps.core.commands import as_here
from apps.core.health import checks, problem
from apps.doctor.looking import chosen
from dotmac.server.__main__ import ACTIONS

_ROOT = Path(__file__).resolve().parents[2]
_RUNBOOKS = _ROOT / "docs" / "runbooks"
PAGES = sorted(_RUNBOOKS.glob("*.md"))
_COMMAND = re.compile(r"manage\.py ([^`\n]+)")
_INSTALL = _ROOT / "docs" / "guides" / "install.md"
_ON_SERVER = re.compile(r"(?:^|`)dotmac ([a-z]+) ?([^`\n…]*)", re.MULTILINE)
_TARGET = re.compile(r"`make ([a-z-]+)")
_PAGE = re.compile(r"`(admin:\w+)`")
_LINK = re.compile(r"\]\(([\w-]+\.md)\)")
_PARTS = (
    "## What you see",
    "## What it means",
    "## Do this",
    "## How you know it is over",
    "## In daylight",
)


def advised() -> list[str]:
    """The sentences that checks give as advice, from the sources of all apps."""
    files = (*_ROOT.glob("apps/*/checkups.py"), *_ROOT.glob("apps/*/checkups/*.py"))
    return [re.sub(r'"\s*\n\s*"', "", file.read_text()) for file in files]


def assert_exists(line: str) -> None:
    """A command of manage.py with options that it takes."""
    words = shlex.split(line.split("#", maxsplit=1)[0])
    # Where a shell sends what it says is no argument of it.
    name, *arguments = takewhile(lambda word: word not in {">", "|"}, words)
    assert name in get_commands(), line
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    assert isinstance(parser, CommandParser)
    parser.called_from_command_line = False
    try:
        known = parser.parse_args(arguments)
    except CommandError as error:
        pytest.fail(f"{line}: {error}")
    for check in getattr(known, "only", None) or ():
        assert chosen([check]), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_target_and_page_exists(page: Path) -> None:
    text = page.read_text()
    for line in _COMMAND.findall(text):
        assert_exists(line)
    targets = (_ROOT / "Makefile").read_text()
    for target in _TARGET.findall(text):
        assert re.search(rf"^{target}:", targets, re.MULTILINE), target
    names = {name for kind in settings.TENANT_TYPES.values() for name in _names(kind["URLCONF"])}
    for name in _PAGE.findall(text):
        assert name in names, name
    for link in _LINK.findall(text):
        assert (_RUNBOOKS / link).is_file(), link


@pytest.mark.parametrize("page", [*PAGES, _INSTALL], ids=lambda page: page.stem)
def test_every_command_of_a_server_exists(page: Path) -> None:
    for name, more in _ON_SERVER.findall(page.read_text()):
        if name != "manage":
            assert name in ACTIONS, name
        elif more:
            assert_exists(more)


def _names(urlconf: str) -> set[str]:
    resolver = get_resolver(urlconf)
    known = resolver.namespace_dict.get("admin")
    assert known is not None
    return {f"admin:{name}" for name in known[1].reverse_dict if isinstance(name, str)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_runbook_has_its_five_parts_and_stands_in_the_list(page: Path) -> None:
    text = page.read_text()
    if page.stem == "README":
        return
    places = [text.find(part) for part in _PARTS]
    assert -1 not in places
    assert places == sorted(places)
    assert f"({page.name})" in (_RUNBOOKS / "README.md").read_text()


def test_every_check_leads_to_a_runbook() -> None:
    assert checks()
    for check in checks():
        assert (_ROOT / check.page).is_file(), check.name


def test_advice_on_a_server_names_the_server_s_own_commands(settings: Any) -> None:
    settings.ON_SERVER = True
    texts = [as_here(text) for text in advised()]
    assert not any("python manage.py" in text for text in texts)
    assert sum(text.count("`dotmac manage ") for text in texts) > 8
    # A service is not started by hand a second time.
    assert not any(re.search("dotmac manage (clock|qcluster)", text) for text in texts)
    assert problem("It waits.", "Run `python manage.py doctor`.").advised == (
        "Run `dotmac manage doctor`."
    )


def test_every_command_that_is_advised_exists() -> None:
    lines = [
        line for text in advised() for line in re.findall(r"`python manage\.py ([^`]+)`", text)
    ]
    assert len(lines) > 10
    for line in lines:
        assert_exists(line)
