"""A mail server that an owner of one ISP entered, asked by machines that serve all."""

import os
import smtplib
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

# What mail servers listen on; an owner shall not reach other services by this.
PORTS = (25, 465, 587, 2525)
# For a whole conversation: a server that answers a letter a second ends here too.
DEADLINE_S = 20.0
_NAT64 = IPv6Network("64:ff9b::/96")
Watch = Callable[[socket.socket], None]


class OwnServer(EmailBackend):
    """Sends by it within the deadline, to public hosts only. SMTPException or OSError if not."""

    def __init__(self, *, deadline_s: float = DEADLINE_S, **values: Any) -> None:
        super().__init__(timeout=deadline_s, **values)
        self.deadline_s = deadline_s
        self._line: socket.socket | None = None

    @property
    def connection_class(self) -> Any:
        """The library's, which connects to the address that was looked at, and is watched."""
        return partial(_PublicTls if self.use_ssl else _Public, watch=self._watch)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """As usual; whatever is wrong with what was entered is an SMTPException too."""
        timer = threading.Timer(self.deadline_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            return super().send_messages(email_messages)
        except OSError:
            # A certificate that is wrong is a ValueError as well.
            raise
        except ValueError as error:
            # A label of the host that is none, or letters that no password has.
            raise smtplib.SMTPException(f"It cannot be asked: {type(error).__name__}") from error
        finally:
            timer.cancel()
            self.close_quietly()

    def close_quietly(self) -> None:
        """Leave nothing open."""
        self._cut()
        try:
            self.close()
        except (OSError, smtplib.SMTPException):
            self.connection = None

    def _watch(self, line: socket.socket) -> None:
        # Another handle of the same line: TLS takes the first one away.
        self._line = socket.socket(fileno=os.dup(line.fileno()))

    def _cut(self) -> None:
        line, self._line = self._line, None
        if line is None:
            return
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()


class _Public(smtplib.SMTP):
    """Looks a host up once, and connects to what it looked at."""

    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:
        self._watch = watch
        super().__init__(*args, **kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        address = host if settings.DEVELOPMENT else public_address(host, port)
        made: socket.socket = super()._get_socket(address, port, timeout)  # type: ignore[misc]
        self._watch(made)
        return made


class _PublicTls(smtplib.SMTP_SSL, _Public):
    """The same over TLS, which still checks the certificate by the host's name."""

    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:
        self._watch = watch
        smtplib.SMTP_SSL.__init__(self, *args, **kwargs)


def public_address(host: str, port: int) -> str:
    """An address of a public mail server; OSError for any other."""
    found = [entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if port not in PORTS or not found or not all(_is_public(str(one)) for one in found):
        raise OSError(f"{host} is not a public mail server.")
    return str(found[0])


def _is_public(text: str) -> bool:
    address = ip_address(text)
    if isinstance(address, IPv6Address) and (
        address.ipv4_mapped or address.sixtofour or address.teredo or address in _NAT64
    ):
        # What lies behind it is another address.
        return False
    return address.is_global and not address.is_multicast
