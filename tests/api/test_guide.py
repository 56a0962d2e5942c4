"""The requests of the quickstart are made as they are printed there."""

import re
import shlex
from pathlib import Path

from django.test import Client

from tests.api.conftest import key_in
from tests.conftest import Isp

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "api-quickstart.md"


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl")]


def run(command: str, host: str, key: str) -> int:
    """Make the request that a command of curl makes; returns the status."""
    words = shlex.split(command.replace("$KEY", key).replace("$HOST", ""), comments=True)[1:]
    method, body, headers, path = "GET", "", {"host": host}, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-d":
            body = words.pop(0)
        elif word == "-H":
            name, _colon, value = words.pop(0).partition(": ")
            headers[name] = value
        else:
            path = word
    kind = headers.pop("Content-Type", "application/octet-stream")
    return Client().generic(method, path, body, content_type=kind, headers=headers).status_code


def test_every_command_does_what_the_guide_says(acme: Isp, db: None) -> None:
    key = key_in(acme.workspace, "alice@acme.example", is_superuser=True)
    found = commands()
    assert len(found) == 16
    for command in found:
        told = re.search(r"# (\d+)$", command)
        status = run(command, acme.workspace_host, key)
        assert status == int(told[1]) if told else status in (200, 201), command
