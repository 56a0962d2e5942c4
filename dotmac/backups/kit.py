"""The recovery kit: what somebody needs when the machine is gone, behind a passphrase."""

from __future__ import annotations

import base64
import binascii
import json
import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from dotmac.backups.errors import WrongKeyError
from dotmac.backups.target import Target
from dotmac.crypto.secret import Secret

LEAST_PASSPHRASE = 12
_BEGIN, _END = "-----BEGIN DOTMAC RECOVERY KIT-----", "-----END DOTMAC RECOVERY KIT-----"
_SALT, _NONCE = 16, 12
# 128 MiB and about half a second for each guess.
_COST, _BLOCKS, _PARALLEL = 2**17, 8, 1
_ABOUT = b"dotmac recovery kit 1"
# By which command of the Makefile an installation comes back, and onto what.
INSTALL, REBUILD = "install", "rebuild"
_MACHINES = {
    INSTALL: "an empty machine, of the same Debian as before, as root",
    REBUILD: "a machine with Python 3.11",
}

PAGE = """DotMac recovery kit
Installation {installation}, made {made_at} (UTC)

With this file, its passphrase and nothing else an empty machine becomes this platform again.
Keep it where the platform is not. Whoever has both reads everything.

1. Get DotMac's source (release {version} or newer) onto {machine}.
2. Copy this file there, and run in the source's folder:
       make {command} KIT=<this file>
   or, for the state of a certain time (UTC):
       make {command} KIT=<this file> AT="2026-11-29 17:00"
3. Enter the passphrase. It fetches the backup from {address},
   starts the database, brings keys and uploads back, checks them, and says what is left to do.
4. See that the old machine does not come back: this one writes to the backup from then on.

Without DotMac: the backup is read by rclone ("crypt" over the target, file names not encrypted),
its sets by tar and PostgreSQL's own pg_combinebackup. docs/guides/backups.md has the commands.

"""


@dataclass(frozen=True)
class Kit:
    """All that is needed; every secret of it is in `target`, `key` and `environment`."""

    installation: str
    made_at: str
    version: str
    target: Target
    key: Secret = field(repr=False)
    environment: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    command: str = REBUILD

    def page(self) -> str:
        """What a person does with it, without anything secret."""
        return PAGE.format(
            installation=self.installation,
            made_at=self.made_at,
            version=self.version,
            address=self.target.address,
            machine=_MACHINES[self.command],
            command=self.command,
        )

    def in_clear(self) -> list[tuple[str, str]]:
        """Everything by its name, for a sheet of paper that is printed once."""
        values = {"Address": self.target.address, "User": self.target.user}
        values |= {"Secret": self.target.secret.reveal(), "Region": self.target.region}
        values |= {"Host key": self.target.host_key, "Backup key": self.key.reveal()}
        values |= {name: one.reveal() for name, one in self.environment.items()}
        return [(name, text) for name, text in values.items() if text]

    def sealed(self, passphrase: Secret) -> str:
        """The page, and everything behind the passphrase."""
        salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
        content = json.dumps(self._as_dict()).encode()
        box = AESGCM(_derived(passphrase, salt)).encrypt(nonce, content, _ABOUT)
        text = base64.b64encode(salt + nonce + box).decode()
        return "\n".join([self.page(), _BEGIN, *textwrap.wrap(text, 76), _END, ""])

    def _as_dict(self) -> dict[str, Any]:
        return {
            "installation": self.installation,
            "made_at": self.made_at,
            "version": self.version,
            "target": self.target.as_dict(),
            "key": self.key.reveal(),
            "environment": {name: one.reveal() for name, one in self.environment.items()},
            "command": self.command,
        }


def open_kit(text: str, passphrase: Secret) -> Kit:
    """WrongKeyError for what is no kit, is damaged, or has another passphrase."""
    try:
        inner = text.split(_BEGIN, 1)[1].split(_END, 1)[0]
        raw = base64.b64decode("".join(inner.split()), validate=True)
    except (IndexError, binascii.Error) as error:
        raise WrongKeyError("This file is no recovery kit, or only a part of one.") from error
    salt, nonce, box = raw[:_SALT], raw[_SALT : _SALT + _NONCE], raw[_SALT + _NONCE :]
    try:
        content = AESGCM(_derived(passphrase, salt)).decrypt(nonce, box, _ABOUT)
    except InvalidTag:
        text = "The passphrase does not open this kit, or the file was changed."
        raise WrongKeyError(text, permanent=True) from None
    values = json.loads(content)
    return Kit(
        installation=values["installation"],
        made_at=values["made_at"],
        version=values["version"],
        target=Target.from_dict(values["target"]),
        key=Secret(values["key"]),
        environment={name: Secret(one) for name, one in values["environment"].items()},
        command=values.get("command", REBUILD),
    )


def check_passphrase(passphrase: Secret) -> str:
    """Why it is too weak for a file that may get lost; empty: it is not."""
    if len(passphrase.reveal()) < LEAST_PASSPHRASE:
        return f"A passphrase has at least {LEAST_PASSPHRASE} characters. Several words are best."
    return ""


def _derived(passphrase: Secret, salt: bytes) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=_COST, r=_BLOCKS, p=_PARALLEL)
    return kdf.derive(passphrase.reveal().encode())
