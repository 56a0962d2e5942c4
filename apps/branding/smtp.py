"""A mail server that an owner of one ISP entered, asked by machines that serve all."""

import os
import smtplib
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from dotmac.net import OutOfReachError, Reach, connect

# What mail servers listen on; an owner shall not reach other services by this.
PORTS = (25, 465, 587, 2525)
# For a whole conversation: a server that answers a letter a second ends here too.
DEADLINE_S = 20.0
Watch = Callable[[socket.socket], None]


class OwnServer(EmailBackend):
    """Sends by it within the deadline, to public hosts only. SMTPException or OSError if not."""

    def __init__(self, *, deadline_s: float = DEADLINE_S, **values: Any) -> None:
        super().__init__(timeout=deadline_s, **values)
        self.deadline_s = deadline_s
        self._line: socket.socket | None = None
        self._is_over = False
        self._line_lock = threading.Lock()

    @property
    def connection_class(self) -> Any:
        """The library's, which connects to the address that was looked at, and is watched."""
        return partial(_PublicTls if self.use_ssl else _Public, watch=self._watch)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """As usual; whatever is wrong with what was entered is an SMTPException too."""
        self._is_over = False
        timer = threading.Timer(self.deadline_s, self._end)
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
        with self._line_lock:
            if self._is_over:
                # A slow look-up and connection outlast the timer, which found no line to cut.
                line.close()
                raise TimeoutError("It connected too late.")
            # Another handle of the same line: TLS takes the first one away.
            self._line = socket.socket(fileno=os.dup(line.fileno()))

    def _end(self) -> None:
        with self._line_lock:
            self._is_over = True
        self._cut()

    def _cut(self) -> None:
        with self._line_lock:
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
        if port not in PORTS and not settings.DEVELOPMENT:
            raise OutOfReachError(f"{host}:{port} is not a mail server's port.")
        made = connect(host, port, Reach(everything=settings.DEVELOPMENT), timeout_s=timeout)
        # Of which connecting took a part.
        made.settimeout(timeout)
        self._watch(made)
        return made


class _PublicTls(smtplib.SMTP_SSL, _Public):
    """The same over TLS, which still checks the certificate by the host's name."""

    def __init__(self, *args: Any, watch: Watch, **kwargs: Any) -> None:
        self._watch = watch
        smtplib.SMTP_SSL.__init__(self, *args, **kwargs)
