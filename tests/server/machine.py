"""A server in a folder: installed, upgraded and killed as a person or an accident would do it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from dev import postgres
from dev.ports import free_port
from dotmac.server import edge, plan, proc, releases
from dotmac.server.options import Options
from dotmac.server.services import Services, keeper
from tests.killing import kill_when_it_says
from tests.live_platform import APPS, BASE, ROOT, until

MIGRATION = """
from django.db import migrations, models
class Migration(migrations.Migration):
    dependencies = [("lists", "{after}")]
    note = models.CharField(max_length=9, blank=True, default="", db_default="")
    operations = [migrations.AddField("savedview", "note", note)]
"""
_FIELD = '    note = models.CharField(max_length=9, blank=True, default="", db_default="")\n'
_BEFORE = "\n    class Meta:\n"
# A program of the load may ask as often as it likes.
_SETTINGS = 'API_REQUESTS_PER_MINUTE="1000000"\n'


class Machine:
    """Everything below one folder, under supervisord, with a database of its own elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.installed = ""
        self._copies = 0
        ports = ("EDGE_HTTP_PORT", "EDGE_HTTPS_PORT", "WEB_PORT_A", "WEB_PORT_B", "EDGE_PING_PORT")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "DOTMAC_ROOT": str(self.root),
            "SERVICES": "supervisord",
            "DOTMAC_DOCKER": "off",
            "DOMAIN": BASE,
            "APPS_DOMAIN": APPS,
            "EDGE_BIND": "127.0.0.1",
            "VENV": str(Path(sys.executable).parent.parent),
            "OPERATOR_EMAIL": "olivia@dotmac.example",
            # Nothing that is tried here is to be kept.
            "WITHOUT_BACKUP": "1",
            **{name: str(free_port()) for name in ports},
            **self._make_database(),
        }

    def _make_database(self) -> dict[str, str]:
        """One that somebody else keeps; what the server is told of it."""
        url = postgres.ensure(self.folder / "postgres", 0, settings=postgres.FORGETFUL)
        return {"DATABASE_URL": url, "PACKAGES": "off", "SYSTEM_USER": "-"}

    def _end_database(self) -> None:
        postgres.stop(self.folder / "postgres")

    @property
    def options(self) -> Options:
        """As a command on this server reads them now."""
        return Options.read(self.environment)

    @property
    def services(self) -> Services:
        """What keeps them."""
        return keeper(self.options)

    @property
    def current(self) -> str:
        """The name of the release that serves."""
        found = releases.linked(self.options.layout.current)
        return found.name if found else ""

    def prepare(self) -> None:
        """What stands on the server before anybody installs anything."""
        file = self.options.layout.env_file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_SETTINGS)

    def run(self, action: str, **more: str) -> subprocess.CompletedProcess[str]:
        """An action to its end; `stdout` has all that it said."""
        return subprocess.run(
            self._command(action), cwd=ROOT, env={**self.environment, **more}, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def kill_after(self, action: str, step: str, **more: str) -> None:
        """An action that is ended by SIGKILL as soon as it says that a step is done."""
        environment = {**self.environment, **more}
        kill_when_it_says(step, self._command(action), cwd=ROOT, environment=environment)

    def _command(self, action: str) -> list[str]:
        return [sys.executable, "-m", "dotmac.server", *action.split()]

    def next_checkout(self, **changed: str) -> Path:
        """A newer checkout, with a version of its own and every migration of what serves."""
        self._copies += 1
        checkout = self.folder / f"checkout{self._copies}"
        newer_checkout(checkout, self._copies, **changed)
        serving = releases.linked(self.options.layout.current)
        for file in serving.home.glob("apps/*/migrations/9*.py") if serving else ():
            kept = checkout / file.relative_to(serving.home)
            if not kept.exists():
                shutil.copy(file, kept)
        return checkout

    def runs(self, release: str) -> None:
        """Assert that this release serves, and that nothing else runs."""
        options, services = self.options, self.services
        slot = edge.serving(options)
        assert slot is not None
        assert self.current == release
        for name in (f"web-{slot}", plan.WORKER, plan.CLOCK):
            home = releases.linked(options.layout.live(name))
            assert services.is_running(name), name
            assert home is not None
            assert home.name == release, name
        assert services.is_running(plan.EDGE)
        assert not services.is_running("web-b" if slot == "a" else "web-a")
        answer = edge.ask(options, slot)
        assert answer is not None
        edge.wait_until_led(options, answer.mark)

    @property
    def _database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        with psycopg.connect(self._database_url, autocommit=True) as database:
            return database.execute(statement).fetchall()

    def do(self, statement: str) -> None:
        """A statement of somebody with a console of the database."""
        with psycopg.connect(self.environment["DATABASE_URL"], autocommit=True) as database:
            database.execute(statement)

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What `dotmac manage` says and ends with."""
        return subprocess.run(
            [*self._command("manage"), *arguments],
            cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip

    def act(self, act: str, **arguments: Any) -> dict[str, Any]:
        """Have somebody do something (tests.docker.actions)."""
        layout = self.options.layout
        environment = {**self.environment, **plan.environment(layout, layout.current)}
        done = subprocess.run(
            [sys.executable, "-m", "tests.docker.actions"],
            cwd=ROOT,
            env=environment,
            input=json.dumps({"act": act, "with": arguments}) + "\n",
            capture_output=True,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        assert "result" in answer, done.stderr
        result: dict[str, Any] = answer["result"]
        return result

    def stop(self) -> None:
        """End everything, whatever became of it."""
        with open(os.devnull, "w") as nowhere:
            subprocess.run(
                self._command("stop"), cwd=ROOT, env=self.environment, check=False, stdout=nowhere
            )
        until(lambda: not self._left(), what="The end of every process of the server")
        self._end_database()

    def _left(self) -> list[int]:
        """Processes that still work in a release of it."""
        home = str(self.options.layout.home)
        return [pid for pid in proc.all_pids() if _folder_of(pid).startswith(home)]


def newer_checkout(folder: Path, number: int, **changed: str) -> Path:
    """A newer one than this tree: a version, one more migration, and files that are replaced."""
    releases.copy(ROOT, folder)
    _replace(folder, "config/settings/base.py", "0.1.0", f"0.2.{number}")
    migrations = folder / "apps/lists/migrations"
    newest = max(file.stem for file in migrations.glob("[0-9]*.py"))
    (migrations / "9001_note.py").write_text(MIGRATION.format(after=newest))
    _replace(folder, "apps/lists/models.py", _BEFORE, f"\n{_FIELD}{_BEFORE}")
    for name, text in changed.items():
        (folder / name.replace("__", "/")).with_suffix(".py").write_text(text)
    return folder


def _replace(folder: Path, name: str, old: str, new: str) -> None:
    file = folder / name
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))


def _folder_of(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""
