"""What a provider of DNS does for us."""

from typing import Protocol

# Short, since the record is gone a minute later; seconds.
TTL_S = 60


class DnsError(Exception):
    """The records could not be changed or read; `permanent` says that trying again is in vain."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.message = message[:500]
        self.permanent = permanent


class Provider(Protocol):
    """Something that holds our zones. Both calls can be repeated; both raise DnsError."""

    def add_txt(self, name: str, value: str) -> None:
        """Have a TXT record of this value beside others of the name."""

    def remove_txt(self, name: str, value: str) -> None:
        """Have it no more; others of the name stay."""


def parents(name: str) -> list[str]:
    """A name and the names above it, without the root."""
    labels = name.rstrip(".").split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]
