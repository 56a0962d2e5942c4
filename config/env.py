"""The environment that settings read: real variables, then `.env`, then generated ones."""

from pathlib import Path

from environs import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
for _file in (".env", "var/secrets.env", "var/run/platform.env"):
    if (BASE_DIR / _file).is_file():
        env.read_env(BASE_DIR / _file, override=False)
