"""A mail server of the test's own, and the program by which a site sends to it."""

from __future__ import annotations

import asyncio
import email
import os
import shutil
import socket
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PROGRAM = "msmtp"  # takes the arguments of sendmail, and is in Debian


@dataclass(frozen=True)
class Mail:
    """What arrived: from whom and for whom by SMTP, and the message itself."""

    sender: str
    receivers: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def body(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


@dataclass
class Mailbox:
    """`mails` are what arrived, oldest first. `refusal`, where set, is what every mail gets."""

    port: int
    mails: list[Mail] = field(default_factory=list)
    refusal: str = ""

    @property
    def tool(self) -> str:
        """The value of deploy.mail-tool."""
        return f"{PROGRAM} --host=127.0.0.1 --port={self.port} --auto-from=off -f"

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail in self.mails]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's names
        if self.refusal:
            return self.refusal
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        return "250 OK"


class _Listening(Controller):
    """Serves on a socket that has its port already, so that nobody else can take it."""

    def __init__(self, mailbox: Mailbox, listening: socket.socket) -> None:
        super().__init__(mailbox, hostname="127.0.0.1", port=mailbox.port)
        self._listening = listening

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listening)


@contextmanager
def serving() -> Iterator[Mailbox]:
    """A mail server while the body runs; skips the test without the program that sends."""
    if shutil.which(PROGRAM) is None:
        reason = f"{PROGRAM} is not installed (scripts/setup dev installs it)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    listening = socket.create_server(("127.0.0.1", 0))
    mailbox = Mailbox(listening.getsockname()[1])
    controller = _Listening(mailbox, listening)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
        asyncio.set_event_loop(None)
