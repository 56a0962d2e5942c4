"""A web process of a test's own, in front of which there is no edge."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from dev.ports import free_port
from dotmac.server.marks import OPEN_HEADER
from tests.conftest import ACME
from tests.live_platform import ROOT, until

_BIN = Path(sys.executable).parent
COMMANDS = {
    "daphne": ["daphne", "--verbosity", "0", "-b", "127.0.0.1", "-p"],
    "granian": ["granian", "--no-log", "--interface", "asginl", "--port"],
}


class Web:
    """One web process."""

    def __init__(self, kind: str, folder: Path, port: int = 0) -> None:
        self.kind, self.port = kind, port or free_port()
        program, *options = COMMANDS[kind]
        settings = {"DJANGO_SETTINGS_MODULE": "tests.server.web_settings", "VAR_DIR": str(folder)}
        with (folder / "web.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(_BIN / program), *options, str(self.port), "config.server:application"],
                cwd=ROOT, env={**os.environ, **settings}, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until(self._answers, what="An answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None
        try:
            return self.ask("/healthz").status == 200
        except OSError:
            return False

    def open(self, path: str, body: bytes | None = None, **head: str) -> http.client.HTTPResponse:
        """The beginning of an answer at Acme's console."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": ACME.console_host, **head}
        asked.request("GET" if body is None else "POST", path, body, headers)
        return asked.getresponse()

    def ask(self, path: str, body: bytes | None = None, **head: str) -> http.client.HTTPResponse:
        """The same, read to its end."""
        answer = self.open(path, body, **head)
        answer.text = answer.read()  # type: ignore[attr-defined]
        return answer

    def count(self) -> int:
        """How many requests it says are open."""
        return int(self.ask("/readyz").headers[OPEN_HEADER])

    def socket(self, session: str, origin: str = "") -> ClientConnection:
        """A browser's."""
        host = f"{ACME.console_host}:{self.port}"
        return connect(
            f"ws://{host}/ws/notifications/",
            sock=socket.create_connection(("127.0.0.1", self.port)),
            origin=origin or f"http://{host}",  # type: ignore[arg-type]
            additional_headers={"Cookie": f"sessionid={session}"},
        )

    def end(self) -> None:
        """All of it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


def code_of(browser: ClientConnection, *, within_s: float = 30) -> int:
    """With which code its socket is closed, by that time after the last message."""
    try:
        while True:
            browser.recv(within_s)
    except ConnectionClosed as closed:
        return int(closed.rcvd.code) if closed.rcvd else 0
