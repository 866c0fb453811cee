"""Bans in Varnish, by the protocol of its management interface: varnish-cli(7).

A command is a line; an answer is a status and a text of known length. Whoever connects to a
varnishd with a secret is first asked to prove that they know it.
"""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from sartoris.config.caches import CacheServer
from sartoris.formatting import on_one_line
from sartoris.shell import command

# Seconds for all caches together, since they are asked at once. A ban takes a millisecond.
PATIENCE = 10.0

_HEAD = re.compile(rb"([0-9]{3}) +([0-9]{1,8}) *\n")
_HEAD_SIZE = 13
_MOST = 1 << 20

# The statuses of varnish-cli(7) that mean something to us.
_OK, _PROVE_IT = 200, 107


@dataclass(frozen=True)
class Answer:
    """What came of a ban on one cache. `error` "": it is done. `again`: the command by hand."""

    cache: str
    error: str
    again: str
    seconds: float


class Caches:
    """The Varnishes in front of the fleet, which share the secret in a file."""

    def __init__(
        self, servers: Sequence[CacheServer], secret: Path, patience: float = PATIENCE
    ) -> None:
        self.servers = tuple(dict.fromkeys(servers))
        self.secret = secret
        self._patience = patience

    def ban(self, expression: str) -> Iterator[Answer]:
        """Ban on all caches at once; the answer of each as it comes, and one of each, always."""
        if "\n" in expression or "\r" in expression:
            raise ValueError("a ban is one line")
        began = time.monotonic()
        answers: Queue[tuple[CacheServer, str]] = Queue()
        for server in self.servers:
            # Daemons, because nothing can hurry a resolver that waits for its own time limit.
            Thread(target=self._ask, args=(server, expression, answers), daemon=True).start()
        waiting = list(self.servers)
        while waiting:
            server, error = self._next(answers, waiting[0], began + self._patience)
            waiting.remove(server)
            yield Answer(
                cache=str(server),
                error=error,
                again=self.by_hand(server, expression),
                seconds=time.monotonic() - began,
            )

    def by_hand(self, server: CacheServer, expression: str) -> str:
        """The command that a person would type for the same ban."""
        return command("varnishadm", "-T", str(server), "-S", str(self.secret), "ban", expression)

    def _next(
        self, answers: Queue[tuple[CacheServer, str]], else_of: CacheServer, until: float
    ) -> tuple[CacheServer, str]:
        try:
            return answers.get(timeout=max(until - time.monotonic(), 0.001))
        except Empty:
            return else_of, self._too_late

    def _ask(
        self, server: CacheServer, expression: str, answers: Queue[tuple[CacheServer, str]]
    ) -> None:
        try:
            _Session.ban(server, expression, self.secret, self._patience)
            answers.put((server, ""))
        except TimeoutError:
            answers.put((server, self._too_late))
        except _Trouble as trouble:
            answers.put((server, str(trouble)))
        except (OSError, ValueError) as error:  # ValueError: no name that can be looked up
            answers.put((server, getattr(error, "strerror", "") or str(error)))

    @property
    def _too_late(self) -> str:
        return (
            f"no answer within {self._patience:g} seconds; is this the address of"
            " its management interface (`varnishd -T`)?"
        )


class _Trouble(Exception):
    """The cache did not ban; `str()` says why."""


class _Session:
    """A connection to one varnishd, for as long as there is time."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._connection = connection
        self._until = until

    @classmethod
    def ban(cls, server: CacheServer, expression: str, secret: Path, patience: float) -> None:
        """Raises `_Trouble`, `OSError`."""
        until = time.monotonic() + patience
        with socket.create_connection((server.host, server.port), timeout=patience) as connection:
            session = cls(connection, until)
            session._greet(secret)
            status, text = session._ask(b"ban " + expression.encode(errors="surrogateescape"))
        if status != _OK:
            raise _Trouble(f"it refuses the ban (status {status}): {_line(text)}")

    def _greet(self, secret: Path) -> None:
        status, text = self._answer()
        if status == _PROVE_IT:
            challenge = text.encode().partition(b"\n")[0] + b"\n"
            proof = hashlib.sha256(challenge + _content(secret) + challenge).hexdigest()
            status, text = self._ask(b"auth " + proof.encode())
            if status != _OK:
                raise _Trouble(f"it refuses the secret in {secret} (status {status})")
        elif status != _OK:
            raise _Trouble(f"it takes no commands (status {status}): {_line(text)}")

    def _ask(self, line: bytes) -> tuple[int, str]:
        self._hurry()
        self._connection.sendall(line + b"\n")
        return self._answer()

    def _answer(self) -> tuple[int, str]:
        head = _HEAD.fullmatch(self._read(_HEAD_SIZE))
        size = int(head[2]) if head else 0
        if head is None or size > _MOST:
            raise _Trouble("what answers is no Varnish's management interface (`varnishd -T`)")
        return int(head[1]), self._read(size + 1).decode(errors="replace")

    def _read(self, size: int) -> bytes:
        read = bytearray()
        while len(read) < size:
            self._hurry()
            chunk = self._connection.recv(size - len(read))
            if not chunk:
                raise _Trouble("it closed the connection")
            read += chunk
        return bytes(read)

    def _hurry(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)


def _line(text: str) -> str:
    return on_one_line(" ".join(text.split()))


def _content(secret: Path) -> bytes:
    try:
        return secret.read_bytes()
    except OSError as error:
        raise _Trouble(
            f"it wants the secret, and {secret} cannot be read: {error.strerror}"
        ) from error
