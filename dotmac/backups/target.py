"""Where backups go: a bucket, an SFTP server, or a directory that lies at another site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from dotmac.backups.errors import BackupError
from dotmac.crypto.secret import Secret

S3, SFTP, DIRECTORY = "s3", "sftp", "directory"
KINDS = (S3, SFTP, DIRECTORY)
_SCHEMES = {"https": S3, "http": S3, "sftp": SFTP, "": DIRECTORY}
_NONE = Secret("")


def kind_of(address: str) -> str:
    """The kind of place that an address is of; BackupError for what is none."""
    kind = _SCHEMES.get(urlsplit(address).scheme)
    if kind is None:
        text = "A place is https://host/bucket/path, sftp://host/path, or /a/directory."
        raise BackupError(text, permanent=True)
    return kind


@dataclass(frozen=True)
class Target:
    """A place off site, with what opens it.

    `address` is https://host/bucket/path, sftp://host:port/path, or /a/directory. `user` and
    `secret` are the access key and its secret, or the SFTP user and a password or a private key in
    PEM. `host_key` is what the SFTP server proves itself with, as `ssh-ed25519 AAAA…`.
    """

    kind: str
    address: str
    user: str = ""
    secret: Secret = field(default=_NONE, repr=False)
    region: str = ""
    host_key: str = ""

    def check(self) -> None:
        """Raise BackupError for what can be no target."""
        if self.kind == DIRECTORY:
            path = PurePosixPath(self.address)
            if not path.is_absolute() or ".." in path.parts or str(path) == "/":
                raise BackupError("A directory is a whole path, as /mnt/offsite.", permanent=True)
            return
        parts = urlsplit(self.address)
        if self.kind == S3:
            if parts.scheme not in ("https", "http") or not parts.hostname or not self.bucket:
                text = "The address of a bucket is https://host/bucket, with a path after it."
                raise BackupError(text, permanent=True)
            return
        if parts.scheme != "sftp" or not parts.hostname or not parts.path.strip("/"):
            raise BackupError("The address is sftp://host/path.", permanent=True)
        if len(self.host_key.split()) < 2:
            text = "Enter the server's public key, as ssh-keyscan prints it after the host's name."
            raise BackupError(text, permanent=True)

    @property
    def host(self) -> str:
        """The name of its machine; empty for a directory."""
        return urlsplit(self.address).hostname or "" if self.kind != DIRECTORY else ""

    @property
    def port(self) -> int | None:
        """The port that its address names."""
        return urlsplit(self.address).port

    @property
    def bucket(self) -> str:
        """The first part of the path."""
        return urlsplit(self.address).path.strip("/").partition("/")[0]

    @property
    def path(self) -> str:
        """Where in it everything lies, as rclone names it."""
        if self.kind == DIRECTORY:
            return self.address
        path = urlsplit(self.address).path
        return path.strip("/") if self.kind == S3 else path

    def is_same_place(self, other: Target) -> bool:
        """Whether both lead to the same folder, whoever asks for it and however it is written."""
        return self._place == other._place

    @property
    def _place(self) -> tuple[str, str, str]:
        parts = urlsplit(self.address)
        machine = parts.netloc.rpartition("@")[2].lower() if self.kind != DIRECTORY else ""
        return self.kind, machine, str(PurePosixPath("/", self.path.strip("/")))

    @property
    def endpoint(self) -> str:
        """Scheme, host and port of an S3 service."""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    def as_dict(self) -> dict[str, str]:
        """In clear, for a kit that is encrypted as a whole."""
        return {
            "kind": self.kind,
            "address": self.address,
            "user": self.user,
            "secret": self.secret.reveal(),
            "region": self.region,
            "host_key": self.host_key,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, str]) -> Target:
        """The reverse of `as_dict`."""
        plain = {name: text for name, text in values.items() if name != "secret"}
        return cls(**plain, secret=Secret(values.get("secret", "")))
