"""`make bench`: measure, print, and write docs/benchmarks.md."""

import argparse
import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import django

from tests.bench.result import HEAD, Result, calibration
from tests.live_platform import ROOT, LivePlatform

PAGE = """# Benchmarks

Measured by `make bench` on {at}. Figures are ratios to a floor in the same run, by median; an
absolute figure is a target on an idle machine.

{calibration}

{table}

The floor of a schema is `psql` replaying the same dump; that of a deployment is
`tests/bench/bare.py`, a script with the Docker SDK that starts the same containers of the same
images in parallel, writes a route file for the same edge and makes the same request; that of the
API is a Django view with the same queries and middleware in the same process; that of other web
servers and of a pooler is daphne with its own pool, in turns with them; that of `migrate_fleet` is
what django-tenants does with each tenant, on 50 of them.
"""


def main() -> None:
    """Run the parts that are asked for, all by default."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("parts", nargs="*", default=list(PARTS))
    parser.add_argument("--tenants", type=int, default=1000)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dotmac-bench-"))
    platform = LivePlatform(folder, workers=2, lease_s=20)
    speed = calibration()
    print(speed, flush=True)
    results: list[Result] = []
    try:
        platform.start()
        if IN_CONTAINERS & set(asked.parts):
            platform.manage("build_images")
        os.environ.update(platform.environment)
        django.setup()
        for part in asked.parts:
            results += (PARTS | LONG)[part](platform, asked.tenants)
            _write(speed, results)
    finally:
        platform.stop()
        platform.remove_containers()


def _write(speed: str, results: list[Result]) -> None:
    """Print what is known by now, and write the page."""
    table = "\n".join([HEAD, *(result.row() for result in results)])
    print(table, flush=True)
    at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    page = PAGE.format(at=at, calibration=speed, table=table)
    (ROOT / "docs" / "benchmarks.md").write_text(page)


def _schemas(_platform: LivePlatform, tenants: int) -> list[Result]:
    from tests.bench import schemas  # noqa: PLC0415 - Django is set up only now

    return schemas.measure(tenants)


def _deploys(platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import deploys  # noqa: PLC0415

    return deploys.measure(platform)


def _queue(platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import deploys  # noqa: PLC0415

    return deploys.measure_queue(platform)


def _memory(platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import deploys, memory  # noqa: PLC0415

    organisation = deploys._organisation("memory")
    deploys._deploy([organisation], platform)
    return memory.measure(platform, "memory.apps.localhost")


def _api(platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import api  # noqa: PLC0415

    return api.measure(platform)


def _servers(platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import servers  # noqa: PLC0415

    return servers.measure(platform)


def _pages(platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import pages  # noqa: PLC0415

    return pages.measure(platform)


def _signup(platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import signup  # noqa: PLC0415

    return signup.measure(platform)


def _events(_platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import events  # noqa: PLC0415

    return events.measure()


def _webhooks(_platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import webhooks  # noqa: PLC0415

    return webhooks.measure()


def _migrating(_platform: LivePlatform, tenants: int) -> list[Result]:
    from tests.bench import migrating  # noqa: PLC0415

    return migrating.measure(tenants)


def _upgrade(_platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import upgrade  # noqa: PLC0415

    return upgrade.measure()


def _crowd(platform: LivePlatform, tenants: int) -> list[Result]:
    from tests.bench import crowd  # noqa: PLC0415

    return crowd.measure(platform, tenants)


def _hour(platform: LivePlatform, tenants: int) -> list[Result]:
    from tests.bench import crowd  # noqa: PLC0415

    return crowd.measure_hour(platform, tenants)


def _transfer(_platform: LivePlatform, _tenants: int) -> list[Result]:
    from tests.bench import transfer  # noqa: PLC0415

    return transfer.measure()


def _rebuild(_platform: LivePlatform, tenants: int) -> list[Result]:
    from tests.bench import rebuild  # noqa: PLC0415

    return rebuild.measure(tenants)


PARTS: dict[str, Callable[[LivePlatform, int], list[Result]]] = {
    "memory": _memory,
    "deploys": _deploys,
    "queue": _queue,
    "api": _api,
    "pages": _pages,
    "signup": _signup,
    "events": _events,
    "webhooks": _webhooks,
    "transfer": _transfer,
    "upgrade": _upgrade,
    "servers": _servers,
    # Last, since a thousand tenants weigh on whatever comes after them.
    "crowd": _crowd,
    "schemas": _schemas,
    "migrating": _migrating,
    # On machines of its own.
    "rebuild": _rebuild,
}
# Only where they are asked for, since they take as long as they say.
LONG: dict[str, Callable[[LivePlatform, int], list[Result]]] = {"hour": _hour}
# Those that need a Docker engine, and images to run on it.
IN_CONTAINERS = {"memory", "deploys", "queue", "api", "pages"}

if __name__ == "__main__":
    main()
