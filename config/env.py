"""The environment that settings read: real variables, then files that are there.

On a server DOTMAC_ENV_FILE names the one; elsewhere it is `.env`, then what is generated.
"""

import os
import sys
from pathlib import Path

from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
_NAMED = os.environ.get("DOTMAC_ENV_FILE", "")
for _file in (_NAMED,) if _NAMED else (".env", "var/secrets.env", "var/run/platform.env"):
    if (BASE_DIR / _file).is_file():
        env.read_env(BASE_DIR / _file, override=False)


def process_name() -> str:
    """What this process is, as `clock`, for the database's list of sessions."""
    program, *arguments = map(str, sys.argv or [""])
    is_ours = Path(program).name == "manage.py" and arguments
    return arguments[0] if is_ours else Path(program).name
