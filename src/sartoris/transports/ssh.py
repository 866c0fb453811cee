"""Targets over ssh: one process, one connection each, held for as long as the command runs.

The system's own ssh, which reads the user's own configuration: host keys, jump hosts, certificates
and agents are its business, and what it asks of a person it is told not to ask. Any other program
does that carries two pipes to a shell (`deploy.ssh`).
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from sartoris.config.targets import Host
from sartoris.orders import Order, Outcome
from sartoris.releases.packs import Packs
from sartoris.shell import command
from sartoris.transports import ssh_files
from sartoris.transports.base import (
    HasChecks,
    HasHostKeys,
    HostKey,
    KnowsWhoAnswers,
    RunsByHand,
    Transport,
)
from sartoris.transports.ssh_connection import Connection, Garbled, Login, Lost
from sartoris.transports.ssh_settings import settings
from sartoris.transports.ssh_starts import Starts
from sartoris.transports.ssh_words import NoConnection

if TYPE_CHECKING:
    from sartoris.diagnostics import Answers, Check

T = TypeVar("T")

CONNECT = 10  # seconds, for ssh's ConnectTimeout
# ssh ends a connection on which nothing has come back for three times five seconds.
_OPTIONS = (
    "-T",
    *("-o", "BatchMode=yes"),
    *("-o", f"ConnectTimeout={CONNECT}"),
    *("-o", "ServerAliveInterval=5"),
    *("-o", "ServerAliveCountMax=3"),
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "RemoteCommand=none"),
)
_AFTER = 30.0  # seconds that an answer may take after the order's own time
_RETRIES = 5
_LEAVE = 1.0  # seconds in which connections end by themselves
_KILLED = 10.0  # seconds after which it is the system's business that a killed process is gone


@dataclass(frozen=True)
class Way:
    """How a target is reached: `program` is `deploy.ssh` in words, `user` who the agent is there,
    "" for who logs in.
    """

    program: tuple[str, ...]
    user: str = ""

    @property
    def is_ssh(self) -> bool:
        return PurePath(self.program[0]).name == "ssh"

    def words(self, host: Host) -> list[str]:
        """The command for one target; a shell at its other end reads what is sent."""
        options = _OPTIONS if self.is_ssh else ()
        port = ("-p", str(host.port)) if host.port else ()
        sudo = ("sudo", "-n", "-H", "-u", self.user) if self.user else ()
        return [*self.program, *options, *port, host.address, *sudo, "sh"]

    def by_hand(self, host: Host, *words: str) -> str:
        """What a person types to run a command there. `sudo` is left out where root logs in: there
        may be none.
        """
        port = ("-p", str(host.port)) if host.port else ()
        is_for_root = words[:1] == ("sudo",)
        terminal = ("-t",) if self.is_ssh and is_for_root else ()
        if self.is_ssh and is_for_root and settings(self, host).get("user") == "root":
            words = words[1:]
        # A shell at the other end of ssh reads the words once more.
        there = tuple(map(command, words)) if self.is_ssh else words
        return command(*self.program, *terminal, *port, host.address, *there)


class SshTransport(Transport, KnowsWhoAnswers, HasChecks, HasHostKeys, RunsByHand):
    """`forks` orders are carried out at once; connections are held to all targets, and carry the
    `packs` that targets ask for.
    """

    def __init__(self, hosts: Sequence[Host], way: Way, packs: Packs, *, forks: int) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._way = way
        self._packs = packs
        self._forks = forks
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: dict[str, asyncio.Task[Connection]] = {}
        self._made: list[Connection] = []
        self._starts = Starts(way)
        self._closing = False

    def fleet(self) -> tuple[str, ...]:
        return tuple(self._hosts)

    def prepare(self) -> None:
        self._running().call_soon_threadsafe(lambda: [*map(self._connection, self._hosts)])

    def run(self, order: Order, targets: Sequence[str]) -> Iterator[Outcome]:
        outcomes: SimpleQueue[Outcome | BaseException] = SimpleQueue()
        going_on = threading.Event()
        going_on.set()
        work = self._run(order, targets, outcomes, going_on)
        done = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            for _ in targets:
                outcome = outcomes.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                yield outcome
        finally:
            going_on.clear()
            done.result()

    async def _run(
        self,
        order: Order,
        targets: Sequence[str],
        outcomes: SimpleQueue[Outcome | BaseException],
        going_on: threading.Event,
    ) -> None:
        message = order.to_json()
        free = asyncio.Semaphore(self._forks)

        async def one(target: str) -> None:
            async with free:
                if going_on.is_set():
                    outcomes.put(await self._perform(order, message, target))

        try:
            for target in targets:
                self._connection(target)
            await asyncio.gather(*map(one, targets))
        except BaseException as bug:
            outcomes.put(bug)
            raise

    async def _perform(self, order: Order, message: Mapping[str, Any], target: str) -> Outcome:
        """Never raises because of a target."""
        content = json.dumps(message).encode("ascii")
        answers = partial(Outcome, action=order.action, target=target, ok=False)
        began = time.monotonic()
        try:
            answer = await self._ask(order, content, target)
        except NoConnection as why:
            seconds = round(time.monotonic() - began, 3)
            return answers(error=why.error, message=why.message, output=why.output, seconds=seconds)
        except TimeoutError:
            return answers(error="timeout", message=f"no answer within {order.timeout} s")
        except Garbled as why:
            text = f"the target answered with something that is no outcome: {why}"
            return answers(error="crashed", message=text)
        return Outcome.answered(answer, action=order.action, target=target)

    async def _ask(self, order: Order, content: bytes, target: str) -> Any:
        """The answer. A connection that is lost is opened anew once: orders may be repeated."""
        brings = partial(self._packs.to, order.commit)
        seconds = order.timeout + _AFTER
        for may_repeat in (True, False):
            connection = await asyncio.shield(self._connection(target))
            try:
                return await connection.ask(content, brings, seconds)
            except Lost as lost:
                self._forget(target)
                if not may_repeat:
                    raise lost.why from None
            except BaseException:
                self._forget(target)
                raise
        raise AssertionError

    def _connection(self, target: str) -> asyncio.Task[Connection]:
        """The connection that is open, or being opened. One that failed is tried anew."""
        if self._closing:
            raise NoConnection("unreachable", "the command is ending")
        opening = self._opening.get(target)
        if opening is None or (opening.done() and _failed(opening)):
            opening = asyncio.get_running_loop().create_task(self._open(target))
            self._opening[target] = opening
        return opening

    async def _open(self, target: str) -> Connection:
        host = self._hosts[target]
        for attempt in range(_RETRIES + 1):
            try:
                async with await self._starts.of(host, len(self._opening)):
                    return await Connection.open(self._way.words(host), self._made)
            except NoConnection as why:
                if not why.again or attempt == _RETRIES:
                    raise
            # Everybody else who was turned away comes back as well.
            await asyncio.sleep(0.2 * 2**attempt * (0.5 + random.random()))
        raise AssertionError

    def _forget(self, target: str) -> None:
        opening = self._opening.pop(target, None)
        if opening is not None and opening.done() and not _failed(opening):
            opening.result().kill()

    def _running(self) -> asyncio.AbstractEventLoop:
        """The loop, in a thread of its own: connections are opened while others compose and tag.

        Raises `TooFewOpenFiles`, before there is any of them.
        """
        if self._loop is None:
            ssh_files.allow(len(self._hosts))
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="ssh", daemon=True)
            self._thread.start()
        return self._loop

    def close(self) -> None:
        if self._loop is None:
            return
        self._wait_for(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None
        self._closing = False

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._running()).result()

    async def _close(self) -> None:
        self._closing = True
        for opening in self._opening.values():
            if opening.done() and not _failed(opening):
                opening.result().end()
            opening.cancel()
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        await self._ended(_LEAVE)
        for connection in self._made:
            connection.kill()
        await self._ended(_KILLED)

    async def _ended(self, seconds: float) -> None:
        """Wait until all that was started is over, so long at most."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if all(connection.has_ended() for connection in self._made):
                return
            await asyncio.sleep(0.01)

    def not_answering(self, seconds: float) -> Mapping[str, str]:
        return self._wait_for(self._not_answering(seconds))

    async def _not_answering(self, seconds: float) -> dict[str, str]:
        opening = {name: self._connection(name) for name in self._hosts}
        if opening:
            await asyncio.wait(opening.values(), timeout=seconds)
        found = {}
        for name, one in opening.items():
            if not one.done():
                found[name] = ""
            elif _failed(one):
                found[name] = str(one.exception())
        return found

    def by_hand(self, target: str, words: Sequence[str]) -> str:
        return self._way.by_hand(self._hosts[target], *words)

    def checks(self, answers: Answers) -> Sequence[Check]:
        from sartoris.transports.ssh_checks import checks

        return checks(self, self._way, self._hosts, answers)

    def logins(self) -> Mapping[str, Login]:
        """What is known of each connection that is open."""
        return self._wait_for(self._logins())

    async def _logins(self) -> dict[str, Login]:
        open_ = {name: one for name, one in self._opening.items() if one.done()}
        return {name: one.result().login for name, one in open_.items() if not _failed(one)}

    def hops(self) -> Mapping[str, str]:
        """The jump hosts of targets that share one with many, as far as connections were opened."""
        return dict(self._starts.hops)

    def new_host_keys(self) -> tuple[Sequence[HostKey], Mapping[str, str]]:
        from sartoris.transports.ssh_host_keys import new_host_keys

        return new_host_keys(self._way, self._wait_for(self._unknown()))

    async def _unknown(self) -> list[Host]:
        opening = {name: self._connection(name) for name in self._hosts}
        await asyncio.wait(opening.values())
        errors = {name: one.exception() for name, one in opening.items()}
        return [
            self._hosts[name]
            for name, error in errors.items()
            if isinstance(error, NoConnection) and error.error == "host-key"
        ]

    def trust(self, keys: Sequence[HostKey]) -> None:
        from sartoris.transports.ssh_host_keys import trust

        trust(keys)


def _failed(opening: asyncio.Task[Connection]) -> bool:
    return opening.cancelled() or opening.exception() is not None
