"""A platform in real processes whose parts can be taken away, and somebody who asks its web."""

import http.client
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from django.conf import settings

from apps.tenancy.templates import pg_dump
from dev.cluster import locate
from tests.live_platform import BASE, LivePlatform, until

# Far longer than any answer takes, however busy the machine is.
PATIENCE_S = 60
DJANGO = ("web", "worker", "clock")
LOGIN = "/accounts/login/"
EMAIL, PASSWORD = "root@dotmac.example", "a long winter in Lapland"
_OWNER = f"""
from allauth.account.models import EmailAddress
from django.test import Client
from apps.accounts.models import User
from apps.tenancy.kinds import operator
with operator():
    user = User.objects.create_user("{EMAIL}", "{PASSWORD}", is_staff=True, is_superuser=True)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client(headers={{"host": "{BASE}"}})
    client.force_login(user)
    print("sessionid=" + client.cookies["sessionid"].value)
"""
_END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE usename = 'dotmac' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Answer:
    """What the web said."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Site:
    """The platform, and an owner's session at it."""

    platform: LivePlatform
    cookie: str = ""

    def let_owner_in(self) -> None:
        """Make an owner and a session of theirs."""
        found = re.search(r"sessionid=(\w+)", self.platform.manage("shell", "-c", _OWNER))
        assert found is not None
        self.cookie = f"sessionid={found[1]}"

    def ask(
        self,
        path: str,
        data: dict[str, str] | None = None,
        *,
        cookie: str | None = None,
        **head: str,
    ) -> Answer:
        """A GET as the owner, or a POST with a form; straight to the web process."""
        asked = http.client.HTTPConnection(
            "127.0.0.1", self.platform.ports["web"], timeout=PATIENCE_S
        )
        headers = {"Host": BASE, "Cookie": self.cookie if cookie is None else cookie, **head}
        body = None
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(data)
        try:
            asked.request("GET" if data is None else "POST", path, body, headers)
            got = asked.getresponse()
            text = got.read().decode(errors="replace")
            return Answer(got.status, {k.lower(): v for k, v in got.headers.items()}, text)
        finally:
            asked.close()

    def post(self, path: str, data: dict[str, str], *, cookie: str | None = None) -> Answer:
        """A form with its token, from the page before it."""
        token = "t" * 32
        session = self.cookie if cookie is None else cookie
        return self.ask(
            path, {**data, "csrfmiddlewaretoken": token}, cookie=f"{session}; csrftoken={token}"
        )

    def sign_in(self) -> Answer:
        """Somebody signs in by password."""
        return self.post("/accounts/login/", {"login": EMAIL, "password": PASSWORD}, cookie="x=y")

    def run_as_superuser(self, *statements: str) -> None:
        """Past the platform's own role."""
        home = self.platform.folder / "postgres"
        password = (home / "superuser.password").read_text().strip()
        port = int(locate(home).pid_file.read_text().splitlines()[3])
        with psycopg.connect(
            host="127.0.0.1",
            port=port,
            user="postgres",
            password=password,
            dbname="dotmac",
            autocommit=True,
            # Else who makes a database read-only could not take it back.
            options="-c default_transaction_read_only=off",
        ) as server:
            for statement in statements:
                server.execute(statement)

    def end_sessions(self) -> None:
        """Every session of the platform ends, as after a restart."""
        self.run_as_superuser(_END_SESSIONS)

    def wait_until_well(self) -> None:
        """Web, worker and clock run, and work that is asked for now is done."""
        until(lambda: self.ask("/readyz").status == 200, what="The web's return", seconds=90)
        for name in DJANGO:
            assert self.platform.is_running(name), name
        before = self._looks()
        until(self._begins_a_look, what="Another look at everything", seconds=120)
        until(lambda: self._looks() > before, what="The work's end", seconds=180)

    def _begins_a_look(self) -> bool:
        return self.post("/admin/doctor/checkup/now/", {}).status == 302

    def _looks(self) -> int:
        return int(
            self.platform.sql("SELECT count(*) FROM doctor_checkup WHERE finished_at IS NOT NULL")[
                0
            ][0]
        )


@contextmanager
def running(folder: Path, template: str) -> Iterator[Site]:
    """A platform of its own in a folder, with what the tests' own server has migrated already."""
    platform = LivePlatform(folder)
    platform.environment["DOTMAC_DOCKER"] = "off"
    site = Site(platform)
    try:
        platform.start_database()
        _copy(template, platform.environment["DATABASE_URL"])
        platform.start()
        site.let_owner_in()
        yield site
    finally:
        platform.stop()


def _copy(template: str, target: str) -> None:
    db = settings.DATABASES["default"]
    source = f"postgresql://{db['USER']}:{db['PASSWORD']}@{db['HOST']}:{db['PORT']}/{template}"
    command = [pg_dump(), "--no-owner", "--inserts", "--rows-per-insert=500", source]
    dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # Without psql's own commands.
    lines = (line for line in dump.splitlines() if not line.startswith("\\"))
    with psycopg.connect(target, autocommit=True) as server:
        server.execute("\n".join(lines))


@dataclass
class Load:
    """Visitors who ask again and again, and what they were told."""

    site: Site
    path: str
    cookie: str
    statuses: Counter[int] = field(default_factory=Counter)
    lacks: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def visit(self) -> None:
        """Until it is over."""
        while not self._is_over.is_set():
            try:
                answer = self.site.ask(self.path, cookie=self.cookie)
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                continue
            self.statuses[answer.status] += 1
            if answer.status == 503 and "retry-after" not in answer.headers:
                self.lacks.append(answer.text)
            time.sleep(0.1)

    def wait_for(self, status: int, what: str) -> None:
        """Until somebody else is told so."""
        before = self.statuses[status]
        until(lambda: self.statuses[status] > before + 8, what=what, seconds=120)


@contextmanager
def load(site: Site, path: str, *, visitors: int = 4, is_staff: bool = False) -> Iterator[Load]:
    """Visitors of a page meanwhile; at the end every one of them has an answer."""
    made = Load(site, path, site.cookie if is_staff else "")
    threads = [threading.Thread(target=made.visit, daemon=True) for _turn in range(visitors)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        made._is_over.set()
        for thread in threads:
            thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads), "A request hangs."


def assert_over_by_itself(
    site: Site, go_away: Callable[[], object], come_back: Callable[[], object]
) -> None:
    """While it is away visitors are told so, and afterwards the same processes go on."""
    platform = site.platform
    processes = {name: platform.processes[name].pid for name in DJANGO}
    with load(site, LOGIN) as pages, load(site, "/admin/", visitors=2, is_staff=True) as homes:
        pages.wait_for(200, "A page")
        go_away()
        pages.wait_for(503, "A refusal")
        homes.wait_for(503, "A refusal to staff")
        come_back()
        pages.wait_for(200, "A page afterwards")
        homes.wait_for(200, "A page of staff afterwards")
    for seen in (pages, homes):
        assert set(seen.statuses) <= {200, 503}, seen.statuses
        assert seen.lacks == []
        assert seen.broken == []
    site.wait_until_well()
    assert processes == {name: platform.processes[name].pid for name in processes}


def log_of(site: Site, name: str) -> str:
    """What a process wrote."""
    return Path(site.platform.folder / f"{name}.log").read_text(errors="replace")


def words(answer: Answer) -> Any:
    """The status and how long to wait, for a comparison."""
    return answer.status, answer.headers.get("retry-after")
