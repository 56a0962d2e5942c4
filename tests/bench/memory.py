"""Proportional set size: what memory the processes really take, shared pages split."""

from collections.abc import Iterable
from pathlib import Path

import docker
import psutil

from tests.bench.result import Result
from tests.live_platform import BASE, LivePlatform


def measure(platform: LivePlatform, host: str) -> list[Result]:
    """The platform with its database, and one dedicated workspace, after 100 requests each."""
    for _turn in range(100):
        platform.get(BASE, "/", tls=False)
        platform.get(host, "/accounts/login/")
    return [
        _result("platform processes with database", _platform(platform), 800),
        _result("one dedicated workspace without RADIUS", _workspace(host, platform), 350),
    ]


def _result(what: str, mebibytes: float, bar: int) -> Result:
    shown = f"{mebibytes:.0f} MB"
    what = f"memory (PSS) after 100 requests and one job: {what}"
    return Result(what, shown, "", shown, f"≤ {bar} MB", mebibytes <= bar)


def _platform(platform: LivePlatform) -> float:
    roots = [process.pid for process in platform.processes.values()]
    query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
    roots.append(psutil.Process(int(platform.sql(query)[0][0])).ppid())
    return pss(with_children(roots))


def _workspace(host: str, platform: LivePlatform) -> float:
    row = platform.sql("SELECT instance FROM fleet_route WHERE hostname = %s", host)
    client = docker.from_env()
    found = client.containers.list(filters={"label": f"dotmac.instance={row[0][0].hex}"})
    pids = [int(p[1]) for container in found for p in container.top()["Processes"]]
    return pss(pids)


def with_children(roots: Iterable[int]) -> set[int]:
    """Processes, and all that they started."""
    pids = set()
    for root in roots:
        process = psutil.Process(root)
        pids |= {root, *(child.pid for child in process.children(recursive=True))}
    return pids


def pss(pids: Iterable[int]) -> float:
    """MiB over processes."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024
