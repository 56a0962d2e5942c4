"""A run with stand-in children, started by the tests as a process of its own.

python -m tests.dev.stand_in VAR PLAN.json
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from dev.up import ending
from dev.up.checks import check_ports
from dev.up.foreground import Foreground, ending_signals_interrupt, only_run
from dev.up.options import ROOT, Options
from dotmac.server.errors import SetupError
from dotmac.server.programs import Plan, Program
from dotmac.server.terminal import Terminal


def read_plan(path: Path) -> Plan:
    """Name to command, in the three groups of a plan."""
    groups = json.loads(path.read_text())
    return Plan(
        database=None,
        before=[Program(*one, title=one[0], once=True) for one in groups.get("before", [])],
        lasting=[Program(*one) for one in groups.get("lasting", [])],
        after=[Program(*one, title=one[0], once=True) for one in groups.get("after", [])],
    )


def main() -> int:
    var, plan = Path(sys.argv[1]), read_plan(Path(sys.argv[2]))
    options, terminal = Options(ROOT, var, os.environ), Terminal()
    try:
        options.make_directories()
        with only_run(options), ending_signals_interrupt():
            ending.end_leftovers(options)
            if "STAND_IN_PORT" in os.environ:
                check_ports({"WEB_PORT": int(os.environ["STAND_IN_PORT"])})
            foreground = Foreground(options, plan, terminal)
            return foreground.run(os.environ, lambda: True, lambda: terminal.line("ready"))
    except SetupError as error:
        terminal.fail(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
