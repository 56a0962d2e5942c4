"""An upgrade of a server under load: requests that failed, and how long the others took."""

import shutil
import tempfile
from pathlib import Path

from tests.bench.result import Result, percentile, spread
from tests.server.load import Site, load
from tests.server.machine import Machine


def measure() -> list[Result]:
    """Four clients before and during an upgrade with a migration, and a return."""
    # PostgreSQL's user must reach it.
    folder = Path(tempfile.mkdtemp(prefix="dotmac-bench-server-"))
    folder.chmod(0o755)
    machine = Machine(folder)
    machine.prepare()
    try:
        said = machine.run("install", ALLOW_NO_BACKUP="1")
        assert said.returncode == 0, said.stdout
        return _measured(machine)
    finally:
        machine.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _measured(machine: Machine) -> list[Result]:
    machine.act("sign_up", slug="bench", plan="starter", region="local")
    key = machine.act("make_key", slug="bench", level="workspace")["key"]
    layout = machine.options.layout
    site = Site(machine.options.port("EDGE_HTTPS_PORT"), layout.keys / "ca.pem", "bench", key)
    checkout = machine.next_checkout()
    return [
        _during(machine, site, "upgrade", RELEASE=str(checkout)),
        _during(machine, site, "rollback"),
    ]


def _during(machine: Machine, site: Site, action: str, **more: str) -> Result:
    with load(site) as seen:
        said = machine.run(action, **more)
    assert said.returncode == 0, said.stdout
    (count,) = machine.sql("SELECT count(*) FROM w_bench.subscribers_subscriber")[0]
    assert count >= len(seen.written)
    slow = percentile(seen.seconds, 0.95) * 1000
    return Result(
        f"requests through the edge during {action}, four clients",
        f"{len(seen.seconds):,} requests, {spread(seen.seconds, unit='ms')}, p95 {slow:.0f} ms",
        "",
        f"{len(seen.failed)} failed",
        "0 failed",
        not seen.failed,
    )
