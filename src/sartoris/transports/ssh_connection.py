"""One connection to one target: a program that carries two pipes, and an agent at its other end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sartoris.agent.serve import LONGEST_FRAME
from sartoris.releases.packs import Pack
from sartoris.transports.ssh_start import Greeting, agent_for, command, new_mark
from sartoris.transports.ssh_words import NoConnection, ended, lost

# How long a login may take, with all that its shell does, and Python's start.
LOGIN = 30.0  # seconds
_NOISE = 1 << 20  # bytes that may be said before the agent speaks
_KEPT = 1 << 14  # bytes of what is said on standard error
_LAST_WORDS = 0.5  # seconds in which a connection that has ended may say why
_CHUNK = 1 << 18


# The pack that brings the order's release to who holds these release commits, newest first.
Brings = Callable[[Sequence[str]], Pack | None]


@dataclass(frozen=True)
class Login:
    """What a login was like. `python` is its version; `said` is what came before the agent could
    speak; `clock` is how many seconds the target's clock is ahead of ours, as far as the way there
    lets us know; `cpu` is how many seconds of a processor the program took here until then.
    """

    python: str
    said: str
    clock: float
    cpu: float = 0.0


class Lost(Exception):
    """The connection ended in the middle. `why` says how."""

    def __init__(self, why: NoConnection) -> None:
        super().__init__(why.message)
        self.why = why


class Garbled(Exception):
    """What came is no frame, or nothing that an agent says; nobody knows where the next begins."""


class Connection:
    """Made by `open`, in the loop that it is used in; one order at a time."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._errors: deque[bytes] = deque()
        self._before = b""
        self._pipes: list[asyncio.BaseTransport] = []
        self._has_spoken = False
        self.login = Login("", "", 0.0)

    @classmethod
    async def open(cls, words: Sequence[str], made: list[Connection]) -> Connection:
        """Run the program, and start an agent at its other end. It joins those that were `made`, to
        be seen to its end also where this fails. Raises `NoConnection`.
        """
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a Ctrl-C is for us, and no terminal there to ask at
            )
        except FileNotFoundError:
            message = f"{words[0]} is not installed on the deployment server"
            raise NoConnection("unreachable", message) from None
        except OSError as error:
            message = f"{words[0]} could not be started: {os.strerror(error.errno or 0)}"
            raise NoConnection("unreachable", message) from error
        connection = cls(process)
        made.append(connection)
        try:
            await connection._connect_pipes()
            async with asyncio.timeout(LOGIN):
                await connection._start()
        except TimeoutError:
            connection.kill()
            message = f"the login took longer than {LOGIN:g} s"
            raise NoConnection("unreachable", message, connection._said()) from None
        except BaseException:
            connection.kill()
            raise
        return connection

    async def _connect_pipes(self) -> None:
        loop = asyncio.get_running_loop()
        self._reader = asyncio.StreamReader(limit=_CHUNK)
        output, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self._reader), self._process.stdout
        )
        self._pipes.append(output)
        given, flow = await loop.connect_write_pipe(
            asyncio.streams.FlowControlMixin, self._process.stdin
        )
        self._pipes.append(given)
        self._writer = asyncio.StreamWriter(given, flow, None, loop)
        self._errors_end = loop.create_future()
        errors, _ = await loop.connect_read_pipe(
            lambda: _Tail(self._errors, self._errors_end), self._process.stderr
        )
        self._pipes.append(errors)

    async def _start(self) -> None:
        mark, sent = new_mark(), time.time()
        self._writer.write(command(mark))
        greeting = Greeting.of(await self._behind(mark.encode("ascii")))
        if greeting.word != "ready":
            found = "" if greeting.version == "none" else f"; there is {greeting.version}"
            message = f"no Python 3.9 or newer that the agent can run with{found}"
            raise NoConnection(greeting.word, message, self._said())
        self._has_spoken = True
        said = f"{self._before.decode(errors='replace')}\n{self._said()}".strip()
        clock = _ahead(greeting.clock, sent, time.time())
        self.login = Login(greeting.version, said, clock, _cpu(self._process.pid))
        self._writer.write(agent_for(greeting))

    async def _behind(self, mark: bytes) -> bytes:
        """The rest of the line that begins with the mark. Raises NoConnection."""
        said = b""
        while mark not in said or b"\n" not in said.partition(mark)[2]:
            part = await self._reader.read(_CHUNK)
            said += part
            if not part or len(said) > _NOISE:
                self._before = said
                raise await self._why()
        self._before, _, rest = said.partition(mark)
        line, _, _ = rest.partition(b"\n")
        return line

    async def ask(self, order: bytes, brings: Brings | None, seconds: float) -> Any:
        """The agent's answer to an order, JSON as it is sent, within `seconds`.

        What it wants to be brought meanwhile, `brings` finds. Raises `Lost`, `Garbled` and
        TimeoutError, after each of which the connection is over.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._send(order)
                while True:
                    answer = await self._answer()
                    if not isinstance(answer, dict) or "held" not in answer or "ok" in answer:
                        return answer
                    await self._bring(answer["held"], brings)
        except TimeoutError:  # which is an OSError, too
            raise
        except (asyncio.IncompleteReadError, OSError):
            raise Lost(await self._why()) from None

    async def _send(self, content: bytes) -> None:
        self._writer.write(len(content).to_bytes(4, "big") + content)
        await self._writer.drain()

    async def _answer(self) -> Any:
        length = int.from_bytes(await self._reader.readexactly(4), "big")
        if length > LONGEST_FRAME:
            raise Garbled(f"it sent a frame of {length} bytes")
        content = await self._reader.readexactly(length)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise Garbled("it is not JSON") from None

    async def _bring(self, held: Any, brings: Brings | None) -> None:
        """Send the pack for who has these releases; what is sent was read from an open file, so
        it can be removed meanwhile.
        """
        pack, file = None, None
        if brings is not None and isinstance(held, list):
            commits = [str(commit) for commit in held]
            pack = await asyncio.get_running_loop().run_in_executor(None, brings, commits)
        with suppress(OSError):  # somebody has tidied up
            file = pack.path.open("rb") if pack else None
        if pack is None or file is None:
            await self._send(b'{"pack": ""}')
            return
        with file:
            head = {"pack": pack.sha256, "base": pack.base, "size": pack.size}
            await self._send(json.dumps(head).encode("ascii"))
            left = pack.size
            while left:
                part = file.read(min(left, _CHUNK))
                if not part:  # it cannot be taken back, so it can only be cut off
                    message = f"the pack is shorter on the deployment server's disk: {pack.path}"
                    raise Lost(NoConnection("unreachable", message))
                self._writer.write(part)
                await self._writer.drain()
                left -= len(part)

    async def _why(self) -> NoConnection:
        """Why it has ended, or is ended now."""
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._errors_end), _LAST_WORDS)
        code = await self._exit_code()
        if self._has_spoken:
            return lost(code, self._said())
        return ended(code, self._said(), self._before.decode(errors="replace"))

    async def _exit_code(self) -> int | None:
        for _ in range(25):
            code = self._process.poll()
            if code is not None:
                return code
            await asyncio.sleep(0.02)
        self.kill()
        return None

    def _said(self) -> str:
        return b"".join(self._errors).decode(errors="replace")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and not self._reader.at_eof()

    def end(self) -> None:
        """Let the agent end: it has nothing to do any more."""
        self._writer.close()

    def kill(self) -> None:
        """End the program, and what it started on this side, at once."""
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in self._pipes:
            pipe.close()

    def has_ended(self) -> bool:
        return self._process.poll() is not None


def _cpu(pid: int) -> float:
    """Seconds that a process of ours has used; 0 where the system does not tell."""
    try:
        found = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(found[11]) + int(found[12])) / os.sysconf("SC_CLK_TCK")


def _ahead(clock: float, sent: float, came: float) -> float:
    """It said so at some moment between the two of ours."""
    if sent <= clock <= came:
        return 0.0
    return clock - came if clock > came else clock - sent


class _Tail(asyncio.Protocol):
    """Keeps the end of what comes."""

    def __init__(self, kept: deque[bytes], end: asyncio.Future[None]) -> None:
        self._kept, self._end, self._size = kept, end, 0

    def data_received(self, data: bytes) -> None:
        self._kept.append(data[-_KEPT:])
        self._size += len(self._kept[-1])
        while len(self._kept) > 1 and self._size - len(self._kept[0]) >= _KEPT:
            self._size -= len(self._kept.popleft())

    def connection_lost(self, _: Exception | None) -> None:
        if not self._end.done():
            self._end.set_result(None)
