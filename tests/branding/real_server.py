"""A real SMTP server on this machine (aiosmtpd) that can be as bad as those of the world."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

TAKEN = "250 OK"


@dataclass
class Moods:
    """What the server says next, step by step; when nothing is left, it takes all."""

    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    # "hang" and "close" at connect, rcpt or data, and "close" at quit.
    does: dict[str, str] = field(default_factory=dict)
    # Whether it goes on as it does, or only the next time.
    is_lasting: bool = False
    # What came in: recipients that were named, and mails that were taken.
    asked: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    port: int = 0

    async def act(self, step: str, smtp: "SMTP") -> bool:
        """Whether the conversation ended in this step."""
        what = self.does.get(step) if self.is_lasting else self.does.pop(step, None)
        if what == "hang":
            # Longer than anybody waits; the loop ends it.
            await asyncio.sleep(3600)
        if what == "close":
            smtp.transport.abort()
        return what is not None


class _Server(SMTP):
    """The library's, which can end in the middle of what it is told."""

    def __init__(self, moods: Moods, *args: Any, **kwargs: Any) -> None:
        self.moods = moods
        super().__init__(*args, **kwargs)

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self.moods.act("connect", self):
            await super().smtp_EHLO(hostname)

    async def smtp_DATA(self, arg: str) -> None:
        if "data" in self.moods.does:
            await self.push("354 go on")
            # Some of it has come.
            await self._reader.readline()
            await self.moods.act("data", self)
            return
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:
        if not await self.moods.act("quit", self):
            await super().smtp_QUIT(arg)


class _Handler:
    def __init__(self, moods: Moods) -> None:
        self.moods = moods

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.moods.asked.append(address)
        if await self.moods.act("rcpt", server):
            return TAKEN
        said = self.moods.rcpt.pop(0) if self.moods.rcpt else TAKEN
        if said == TAKEN:
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        said = self.moods.data.pop(0) if self.moods.data else TAKEN
        if said == TAKEN:
            assert isinstance(envelope.content, bytes)
            self.moods.mails.append(envelope.content)
        return said


class _Controller(Controller):
    def __init__(self, moods: Moods) -> None:
        self.moods = moods
        super().__init__(_Handler(moods), hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        return _Server(self.moods, self.handler, hostname="mail.example", ident="here")

    def _trigger_server(self) -> None:
        """The library's first connection, which starts it, is to the port it asked for."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def real_server() -> Iterator[Moods]:
    """One that runs for a while."""
    moods = Moods()
    controller = _Controller(moods)
    controller.start()
    moods.port = controller.port
    try:
        yield moods
    finally:
        controller.stop()
