"""Web, worker and clock of one installation as real processes, on a database of the tests."""

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from dev.ports import free_port
from tests.live_platform import until

_ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-token-that-only-the-monitor-has"


class Answer:
    """What came back."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


class Installation:
    """The processes by name; whatever one writes is in its log."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.port = folder, free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.telemetry.settings",
            "PYTHONPATH": str(_ROOT),
            "LOG_FORMAT": "json",
            "METRICS_DIR": str(folder / "metrics"),
            "METRICS_TOKEN": TOKEN,
            "WORKERS": "1",
            "VAR_DIR": str(folder),
            **environment,
        }

    def start(self, *names: str) -> None:
        """Start some of web, worker and clock."""
        daphne = [str(Path(sys.executable).parent / "daphne"), "--verbosity", "0"]
        commands = {
            "web": [*daphne, "-b", "127.0.0.1", "-p", str(self.port), "config.server:application"],
            "worker": [sys.executable, "manage.py", "qcluster"],
            "clock": [sys.executable, "manage.py", "clock"],
        }
        for name in names:
            log = (self.folder / f"{name}.log").open("ab")
            self.processes[name] = subprocess.Popen(
                commands[name], cwd=_ROOT, env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        if "web" in names:
            until(self._answers, what="An answer")

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End what runs."""
        for process in self.processes.values():
            process.send_signal(number)
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)
        self.processes.clear()

    def ask(
        self, method: str, path: str, *, host: str = "", body: str = "", **headers: str
    ) -> Answer:
        """One request to the web process; header names have `_` for a hyphen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"Host": host, **named} if host else named
        try:
            connection.request(method, path, body.encode() or None, given)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def numbers(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """All numbers by name and the values of their labels."""
        answer = self.ask("GET", "/metrics", Authorization=f"Bearer {TOKEN}")
        assert answer.status == 200
        return read_numbers(answer.text)

    def log(self, name: str) -> str:
        """What a process wrote."""
        return (self.folder / f"{name}.log").read_text()

    def lines(self, name: str, **having: object) -> list[dict[str, Any]]:
        """The lines of a log that are JSON objects with these values."""
        found = []
        for line in self.log(name).splitlines():
            try:
                one = json.loads(line)
            except ValueError:
                continue
            if isinstance(one, dict) and having.items() <= one.items():
                found.append(one)
        return found

    def _answers(self) -> bool:
        assert self.processes["web"].poll() is None, self.log("web")
        try:
            return self.ask("GET", "/healthz").status == 200
        except OSError:
            return False


def read_numbers(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples of the text form."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
