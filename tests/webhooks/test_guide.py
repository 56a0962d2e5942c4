"""What the guide of webhooks prints works as it is printed."""

import json
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.events.actors import SYSTEM
from apps.webhooks.models import Endpoint
from apps.webhooks.outcomes import BACKOFF_S
from apps.webhooks.services import rotate_secret
from dotmac.crypto.secret import Secret
from tests.dotmac.webhooks.receiver import Receiver
from tests.webhooks.conftest import happen, work_once

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "webhooks.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)


def printed_check() -> Callable[[dict[str, str], bytes, str], bool]:
    space: dict[str, Any] = {}
    exec(blocks("python")[0], space)
    found: Callable[[dict[str, str], bytes, str], bool] = space["is_ours"]
    return found


def test_the_printed_check_believes_what_is_ours_and_nothing_else(
    secret: Secret, receiver: Receiver
) -> None:
    is_ours = printed_check()
    new = rotate_secret(Endpoint.objects.get(), actor=SYSTEM).reveal()
    happen(note="Übergabe")
    work_once()
    _path, head, body = receiver.got[0]
    assert is_ours(head, body, secret.reveal())
    assert is_ours(head, body, new)
    assert not is_ours(head, body + b" ", new)
    assert not is_ours(head, body, "whsec_" + "A" * 44)
    late = {**head, "webhook-timestamp": str(int(time.time()) - 600)}
    assert not is_ours(late, body, new)
    assert set(json.loads(body)) == set(json.loads(blocks("json")[0]))


def test_the_waits_are_those_that_are_printed() -> None:
    words = "5 seconds, 1, 5 and 30 minutes, 2, 5, 8 and 10 hours"
    assert words in GUIDE
    minute, hour = 60, 3600
    assert (
        5,
        *(n * minute for n in (1, 5, 30)),
        *(n * hour for n in (2, 5, 8, 10)),
    ) == BACKOFF_S


def test_the_printed_commands_name_what_there_is() -> None:
    for block in blocks("sh"):
        words = shlex.split(block)
        assert re.search(r"\$HOST/api/v1/(webhooks|webhook-deliveries)/", words[-1])
        bodies = [words[n + 1] for n, word in enumerate(words) if word == "-d"]
        assert all({"url", "types"} == set(json.loads(body)) for body in bodies)
