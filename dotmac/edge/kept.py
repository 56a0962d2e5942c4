"""Files of the certificates that an edge is given as texts.

Each pair has names of its own, from a digest of what is in it: a renewed one never replaces what
is being read, and the routes' file names either the old pair or the new one.
"""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dotmac.edge.base import Certificate, KeptCertificate

_FOLDER = "certificates"


class KeptFiles:
    """The folder `certificates` of an edge; Traefik watches only the top of its directory."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / _FOLDER

    def place(self, certificates: Iterable[Certificate | KeptCertificate]) -> list[Certificate]:
        """All of them as files; what was in files already gives way where names are the same."""
        certificates = list(certificates)
        texts = [one for one in certificates if isinstance(one, KeptCertificate)]
        names = {name for one in texts for name in one.hostnames}
        found = [
            replace(one, is_fallback=bool(names & set(one.hostnames)))
            for one in certificates
            if isinstance(one, Certificate)
        ]
        return [*found, *(self._placed(one) for one in texts)]

    def sweep(self, named: str) -> None:
        """Remove the files that a text does not name."""
        if not self._folder.is_dir():
            return
        for file in self._folder.iterdir():
            if file.name not in named:
                file.unlink(missing_ok=True)

    def _placed(self, kept: KeptCertificate) -> Certificate:
        key = kept.key.reveal()
        digest = hashlib.sha256(f"{kept.chain}\n{key}".encode()).hexdigest()[:32]
        pair = Certificate(
            kept.hostnames, self._folder / f"{digest}.crt", self._folder / f"{digest}.key"
        )
        # The key first: a certificate without its key would look complete to a reader.
        _write_once(pair.key_path, key)
        _write_once(pair.cert_path, kept.chain)
        return pair


def _write_once(path: Path, text: str) -> None:
    """A file that only its owner reads, complete or not there."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    staged = path.with_suffix(f"{path.suffix}.part")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(staged, path)
