"""A mail server on this machine, as small as the tests need it."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

_ANSWERS = {
    "EHLO": "250-here\r\n250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "DATA": "354 go on",
    "QUIT": "221 bye",
}


class MailServer(socketserver.ThreadingTCPServer):
    """What came in; `refusal`, where set, is said to every recipient."""

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        super().__init__(("127.0.0.1", 0), _Session)
        self.port: int = self.server_address[1]
        self.said: list[str] = []
        self.mails: list[bytes] = []
        self.refusal = ""


class _Session(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        tls = cast(MailServer, self.server).tls
        if tls:
            self.request = tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        server = cast(MailServer, self.server)
        self.answer("220 here")
        while line := self.rfile.readline().decode().strip():
            server.said.append(line)
            word = line.split()[0].upper()
            is_refused = word == "RCPT" and bool(server.refusal)
            self.answer(server.refusal if is_refused else _ANSWERS.get(word, "250 ok"))
            if word == "DATA":
                server.mails.append(self.mail())
                self.answer("250 taken")

    def mail(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        return b"".join(lines)

    def answer(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(tls: ssl.SSLContext | None = None) -> Iterator[MailServer]:
    """One that runs for a while."""
    with MailServer(tls) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
