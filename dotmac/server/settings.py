"""The server's own file: what its owner set, and the secrets that are made once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dotenv import dotenv_values

from dotmac.server.children import give
from dotmac.server.errors import SetupError
from dotmac.server.keys import ensure_secrets, signing_key, write_environment
from dotmac.server.options import FIXED, MACHINE, Options, is_kept

_NOTHING: Mapping[str, str] = MappingProxyType({})
_OF_DATABASE = ("DATABASE_ROOT", "DATABASE_BINARIES")


def ensure_settings(options: Options, of_database: Mapping[str, str] = _NOTHING) -> bool:
    """Write what is new or changed, and whatever secret is missing; says whether that was a change.

    `of_database` is how it is backed up (database.settings). SetupError where an address would
    change, on which tenants' own addresses hang.
    """
    file = options.layout.env_file
    before = _read(options)
    for name in FIXED:
        if before.get(name) and before[name] != options.says(name):
            raise SetupError(
                f"{name} is {before[name]} on this server. Tenants' addresses hang on it, so it "
                "cannot be changed by installing again."
            )
    kept = {name: text for name, text in before.items() if name not in _OF_DATABASE}
    wanted = {**kept, **_asked(options), **of_database}
    if wanted.get("EMAIL_URL"):
        wanted.pop("WITHOUT_MAIL", None)
    if "OIDC_SIGNING_KEYS" not in wanted:
        wanted["OIDC_SIGNING_KEYS"] = signing_key()
    if wanted != before:
        write_environment(file, wanted)
    ensure_secrets(file)
    _keep_machine(options)
    give(options, file)
    return _read(options) != before


def _keep_machine(options: Options) -> None:
    """What was said of how this machine is run, so that it need not be said again."""
    said = {name: options.says(name) for name in MACHINE if options.says(name)}
    if said:
        write_environment(options.layout.machine_file, said)
        options.layout.machine_file.chmod(0o644)


def _asked(options: Options) -> dict[str, str]:
    given = {name: text for name, text in options.values.items() if is_kept(name)}
    given.setdefault("DATABASE_URL", options.socket_url)
    given["EDGE_HTTP_PORT"] = str(options.port("EDGE_HTTP_PORT"))
    given["EDGE_HTTPS_PORT"] = str(options.port("EDGE_HTTPS_PORT"))
    # Until there is a mail server, what needs one says so instead of waiting for it.
    mail = {} if options.says("EMAIL_URL") else {"WITHOUT_MAIL": "1"}
    return {**given, **mail, "PLATFORM_SCHEME": options.says("PLATFORM_SCHEME") or "https"}


def _read(options: Options) -> dict[str, str]:
    found = dotenv_values(options.layout.env_file)
    return {name: text for name, text in found.items() if text}
