"""What of this machine is backed up: its database's files, and what lies beside them."""

from pathlib import Path

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _

from apps.backups.exceptions import NoDatabaseError
from dotmac.backups import Database, Programs
from dotmac.backups.database import has_incrementals
from dotmac.backups.files import Places, places_of, places_of_server
from dotmac.crypto.secret import Secret

# What a rebuilt machine is told besides its files; a file's value goes before.
SECRETS = (
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "EVENT_KEY_FALLBACKS",
    "FIELD_KEYS",
    "PLATFORM_SIGNING_KEY",
    "OIDC_SIGNING_KEYS",
    "PLATFORM_VERIFY_KEYS",
)
NAMES = ("BASE_DOMAIN", "APPS_DOMAIN", "EDGE_ADDRESS", "PLATFORM_SCHEME")


def has_own_database() -> bool:
    """Whether the database's files are this machine's own, and within reach."""
    return bool(settings.DATABASE_ROOT)


def is_server() -> bool:
    """Whether this is one of dotmac.server, whose database is the distribution's."""
    return has_own_database() and not settings.DATABASE_HOME


def database() -> Database:
    """The server; NoDatabaseError where another keeps it."""
    if not has_own_database():
        text = _(
            "The database of this installation is kept elsewhere (DATABASE_URL): have it backed up"
            " there. DotMac backs up the database of its own machine."
        )
        raise NoDatabaseError(text)
    root, programs = Path(settings.DATABASE_ROOT), Path(settings.DATABASE_BINARIES)
    served = settings.DATABASES["default"]
    host, port = served["HOST"], int(served["PORT"])
    if is_server():
        own = Programs.for_owner_of(programs, root)
        return Database(own, root, host, port, user=served["USER"], name=served["NAME"])
    password = (Path(settings.DATABASE_HOME) / "superuser.password").read_text().strip()
    own = Programs.for_owner_of(programs, root / "data")
    return Database(own, root, host, port, Secret(password))


def makes_full_ones_only() -> bool:
    """Whether the server is too old to say what changed since a backup; False while it is away."""
    try:
        return has_own_database() and not has_incrementals(database().version)
    except (psycopg.Error, OSError):
        return False


def places() -> Places:
    """Keys, secrets and uploads, by the names that they have in the repository."""
    var, media = Path(settings.VAR_DIR), Path(settings.MEDIA_ROOT)
    if is_server():
        return places_of_server(env_file=Path(settings.ENV_FILE), var=var, media=media)
    home = Path(settings.DATABASE_HOME)
    return places_of(base=Path(settings.BASE_DIR), var=var, media=media, home=home)


def environment() -> dict[str, Secret]:
    """The settings that a kit carries."""
    return {name: Secret(text) for name in (*SECRETS, *NAMES) if (text := _said(name))}


def _said(name: str) -> str:
    value = getattr(settings, name, "")
    return ",".join(value) if isinstance(value, list) else str(value or "")
