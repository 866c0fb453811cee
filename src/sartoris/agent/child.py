"""An order carried out by a process of another user."""

from __future__ import annotations

import codecs
import contextlib
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, Optional, Union

from sartoris.agent.account import Account, die_with_parent
from sartoris.agent.errors import Failure
from sartoris.agent.programs import Programs

# Seconds above the order's timeout, at which the child itself gives up: it may have been stopped
# until the first, and is killed at the second. Transports wait for half a minute above it.
_GO_ON, _AT_MOST = 1.0, 20.0
_TO_END = 2.0  # seconds that it may take to end when it says nothing more

# Gives the text of the agent as one file; None where it has none, as from standard input.
Source = Callable[[], Optional[bytes]]

# Runs the whole agent, which comes over standard input: where it came from is often root's alone.
_START = """
import sys, types
agent = sys.modules["git_deploy"] = types.ModuleType("git_deploy")
exec(compile(sys.stdin.buffer.read(), "git_deploy.py", "exec"), agent.__dict__)
getattr(agent, sys.argv[1])(int(sys.argv[2]))
"""


def no_source() -> None:
    """For an agent that is the only thread of its process, and can fork."""


class Channel:
    """JSON objects, one a line, between the two processes."""

    def __init__(self, end: socket.socket) -> None:
        self._end, self._received = end, b""

    def send(self, message: Mapping[str, Any], seconds: float = math.inf) -> None:
        """Raises socket.timeout when the other side does not take it within `seconds`."""
        self._wait_at_most(seconds)
        self._end.sendall(json.dumps(message).encode("ascii") + b"\n")

    def receive(self, seconds: float = math.inf) -> Optional[dict[str, Any]]:
        """What the other side says next; None when it has ended.

        Raises socket.timeout when it has not said it within `seconds`, and can be called again.
        """
        until = time.monotonic() + seconds
        while b"\n" not in self._received:
            self._wait_at_most(until - time.monotonic())
            chunk = self._end.recv(1 << 16)
            if not chunk:
                return None
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _wait_at_most(self, seconds: float) -> None:
        # 0 would be not to wait at all, even for what is there.
        self._end.settimeout(None if seconds == math.inf else max(seconds, 0.01))


class _Forked:
    """A forked process, with what is needed of Popen's methods."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> Optional[int]:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if pid else None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


_Process = Union[_Forked, "subprocess.Popen[bytes]"]


def carry_out_as(
    account: Account,
    task: Mapping[str, Any],
    work: Callable[[int], None],
    help_out: Callable[[], Mapping[str, Any]],
    timeout: int,
    source: Source,
) -> dict[str, Any]:
    """Let a process of the user do `work` on the task; its answer.

    `work` gets the descriptor of a socket, see `answer`, and is a function of the agent's own. The
    child may ask once for `help_out`, which is called here, by root: that is all that it can have
    of root. `source` is what the process runs where this one cannot be forked. Raises Failure when
    the child is killed, or has no answer well after `timeout` seconds.
    """
    clock = Programs(timeout)
    here, there = socket.socketpair()
    with here:
        with there:
            process = _start(account, work, source, here, there)
        try:
            answer = _converse(_Child(process, Channel(here), clock), task, help_out)
        except BaseException as error:
            _end_of(process, 0)
            if isinstance(error, socket.timeout):
                raise clock.too_late() from None
            raise
        # Who has answered has nothing left to do.
        code = _end_of(process, _TO_END if answer is None else 0)
    if answer is None:
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}, and no answer"
        message = f"the process that carried the order out as {account.name} ended {how}"
        raise Failure("killed", message)
    return answer


class _Child:
    """The child as its parent talks to it: not longer than the order may take, and a little more.

    What the release runs is of the child's user, and so can stop it whenever it likes.
    """

    def __init__(self, process: _Process, channel: Channel, clock: Programs) -> None:
        self._process, self._channel, self._clock = process, channel, clock

    def send(self, message: Mapping[str, Any]) -> None:
        self._channel.send(message, self._clock.left() + _AT_MOST)

    def receive(self) -> Optional[dict[str, Any]]:
        """What the child says next; None when it has ended. Raises socket.timeout."""
        try:
            return self._channel.receive(self._clock.left() + _GO_ON)
        except socket.timeout:
            # Its time is up as well: if it was stopped, it ends now what it runs, and says so.
            os.kill(self._process.pid, signal.SIGCONT)
            return self._channel.receive(self._clock.left() + _AT_MOST)


def _end_of(process: _Process, seconds: float) -> int:
    """The exit code. A child that has not ended in `seconds`, or was stopped, is killed."""
    until = time.monotonic() + seconds
    while (code := process.poll()) is None:
        if time.monotonic() >= until:
            with contextlib.suppress(ProcessLookupError):  # until it has made itself a group
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            return process.wait()
        time.sleep(0.01)
    return code


def _converse(
    child: _Child, task: Mapping[str, Any], help_out: Callable[[], Mapping[str, Any]]
) -> Optional[dict[str, Any]]:
    with contextlib.suppress(ConnectionError):
        child.send({"parent": os.getpid(), **task})
        message = child.receive()
        if message is not None and "answer" not in message:
            child.send(help_out())
            message = child.receive()
        return message["answer"] if message else None
    return None


def answer(
    descriptor: int,
    carry_out: Callable[[Mapping[str, Any], Callable[[], dict[str, Any]]], Mapping[str, Any]],
) -> None:
    """The child's side: read the task, carry it out, send the answer."""
    with socket.socket(fileno=descriptor) as end:
        channel = Channel(end)

        def ask() -> dict[str, Any]:
            channel.send({})
            return channel.receive() or {}

        task = channel.receive()
        if task is not None:
            die_with_parent(task["parent"])
            channel.send({"answer": carry_out(task, ask)})


def _start(
    account: Account,
    work: Callable[[int], None],
    source: Source,
    here: socket.socket,
    there: socket.socket,
) -> _Process:
    """Fork, or where that is not safe run the agent anew.

    In a fork only the thread that called is left, and what the others had locked stays locked
    for good. Whoever carries orders to many targets, or is a daemon, may well have threads.
    """
    text = None if _is_alone() else source()
    if text is not None:
        return _run_anew(account, text, work.__name__, there)
    # Python loads it when it is first used; then the user may not be able to reach its files.
    codecs.lookup("ascii")
    pid = os.fork()
    if pid == 0:
        _live_as(account, work, here, there)
    return _Forked(pid)


def _is_alone() -> bool:
    with contextlib.suppress(OSError):  # the kernel knows of threads that are not Python's too
        return len(list(Path("/proc/self/task").iterdir())) == 1
    return threading.active_count() == 1


def _live_as(
    account: Account, work: Callable[[int], None], here: socket.socket, there: socket.socket
) -> NoReturn:
    """The forked child."""
    code = 1
    try:
        here.close()
        os.setsid()  # a Ctrl-C at the terminal is for the parent
        account.become()
        work(there.detach())
        code = 0
    except Failure as failure:
        Channel(there).send({"answer": failure.fields()})
    finally:
        os._exit(code)


def _run_anew(
    account: Account, text: bytes, work: str, there: socket.socket
) -> subprocess.Popen[bytes]:
    problem = ""
    for python in _pythons():
        try:
            process = subprocess.Popen(
                [python, "-I", "-c", _START, work, str(there.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(there.fileno(),),
                cwd="/",
                env=account.environment(os.environ),
                user=account.uid,
                group=account.gid,
                extra_groups=account.groups,
                umask=0o022,
                start_new_session=True,
            )
        except OSError as error:
            problem = os.strerror(error.errno or 0)
        else:
            with contextlib.suppress(BrokenPipeError), process.stdin or contextlib.nullcontext():
                assert process.stdin is not None
                process.stdin.write(text)
            return process
    raise Failure("permission", f"{account.name} can start no Python on the target: {problem}")


def _pythons() -> Iterator[str]:
    """This one, which may be in a place that only root can reach, and the system's."""
    if sys.executable:
        yield sys.executable
    system = shutil.which("python3", path=os.defpath)
    if system is not None:
        yield system
