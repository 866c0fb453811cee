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
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Optional, Union

from sartoris.agent.account import Account
from sartoris.agent.answers import NoOutcome, outcome_in
from sartoris.agent.errors import Failure
from sartoris.agent.packs import BadPack, Bring, Brought, passed_on
from sartoris.agent.programs import Programs, readable

# Seconds above the order's timeout, at which the child itself gives up: it may have been stopped
# until the first, and is killed at the second. Transports wait for half a minute above it.
_GO_ON, _AT_MOST = 1.0, 20.0
_LONGEST_MESSAGE = 1 << 24  # bytes; an order or outcome is far below
_BROUGHT_AT_MOST = 4  # packs that one order can need, with a store that has to be replaced
_AGAIN = 0.5  # seconds after which a child that says nothing is told to go on once more
_TO_END = 2.0  # seconds that it may take to end when it says nothing more

# Gives the text of the agent as one file; None where it has none, as from standard input.
Source = Callable[[], Optional[bytes]]

# Runs the whole agent, which comes over standard input, behind a line that says as whom to go on.
_START = """
import json, sys, types
task = json.loads(sys.stdin.buffer.readline())
agent = sys.modules["git_deploy"] = types.ModuleType("git_deploy")
exec(compile(sys.stdin.buffer.read(), "git_deploy.py", "exec"), agent.__dict__)
agent.go_on_as(task, getattr(agent, task["work"]))
"""


def no_source() -> None:
    """For an agent that is the only thread of its process, and can fork."""


class Channel:
    """JSON objects, one a line, between the two processes.

    `trusts`: it takes open files from the other side, which is root's then: `files` are those.
    """

    def __init__(self, end: socket.socket, *, trusts: bool = False) -> None:
        self._end, self._received = end, bytearray()
        self._trusts = trusts
        self.files: list[int] = []

    def send(
        self, message: Mapping[str, Any], seconds: float = math.inf, file: Optional[int] = None
    ) -> None:
        """With a file where one is given, as its descriptor.

        Raises socket.timeout when the other side does not take it within `seconds`.
        """
        self._wait_at_most(seconds)
        text = json.dumps(message).encode("ascii") + b"\n"
        sent = 0 if file is None else socket.send_fds(self._end, [text], [file])
        if sent < len(text):  # or who has what it needs may be gone already
            self._end.sendall(text[sent:])

    def receive(self, seconds: float = math.inf) -> Optional[dict[str, Any]]:
        """What the other side says next; None when it has ended.

        Raises socket.timeout when it has not said it within `seconds`, and can be called again;
        Failure when it says what is no message.
        """
        until = time.monotonic() + seconds
        while b"\n" not in self._received:
            self._wait_at_most(until - time.monotonic())
            chunk = self._read()
            if not chunk:
                return None
            self._received += chunk
            if len(self._received) > _LONGEST_MESSAGE:
                raise _no_message("is longer than any message")
        line, _, self._received = self._received.partition(b"\n")
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise _no_message("is not JSON") from None
        if not isinstance(message, dict):
            raise _no_message("is no JSON object")
        return message

    def _read(self) -> bytes:
        if not self._trusts:
            return self._end.recv(1 << 16)
        chunk, files, _, _ = socket.recv_fds(self._end, 1 << 16, 1)
        for file in files:
            os.set_inheritable(file, False)
        self.files += files
        return chunk

    def _wait_at_most(self, seconds: float) -> None:
        # 0 would be not to wait at all, even for what is there.
        self._end.settimeout(None if seconds == math.inf else max(seconds, 0.01))


def _no_message(why: str) -> Failure:
    return Failure("crashed", f"what came from the process that carries the order out {why}")


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
    bring: Optional[Bring] = None,
) -> dict[str, Any]:
    """Let a process of the user do `work` on the task; its answer.

    `work` gets the descriptor of a socket, see `answer`, and is a function of the agent's own. The
    child may ask once for `help_out`, which is called here, by root, and a few times for what
    `bring` brings, which it gets as an open file: that is all that it can have of root. `source` is
    what the process runs where this one cannot be forked. Raises Failure when the child is killed,
    or has no answer well after `timeout` seconds.
    """
    clock = Programs(timeout)
    here, there = socket.socketpair()
    with here:
        with there:
            try:
                process = _start(account, work, source, here, there)
            except OSError as error:
                why = os.strerror(error.errno or 0)
                message = f"no process can be started on the target: {why}"
                raise Failure("io-error", message) from error
        try:
            task = {**task, "brings": bring is not None}
            helper = _Helper(help_out, bring, clock)
            answer = _converse(_Child(process, Channel(here), clock), task, helper)
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

    def send(self, message: Mapping[str, Any], file: Optional[int] = None) -> None:
        self._channel.send(message, self._clock.left() + _AT_MOST, file)

    def receive(self) -> Optional[dict[str, Any]]:
        """What the child says next; None when it has ended. Raises socket.timeout."""
        try:
            return self._channel.receive(self._clock.left() + _GO_ON)
        except socket.timeout:
            return self._after_its_time()

    def _after_its_time(self) -> Optional[dict[str, Any]]:
        """Its time is up as well: if it was stopped, it ends now what it runs, and says so. Until
        it has, it can be stopped once more.
        """
        while True:
            os.kill(self._process.pid, signal.SIGCONT)
            left = self._clock.left() + _AT_MOST
            try:
                return self._channel.receive(min(left, _AGAIN))
            except socket.timeout:
                if left <= _AGAIN:
                    raise


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


class _Helper:
    """What root does for the child: at its word, and not more often than an order can need it."""

    def __init__(
        self, help_out: Callable[[], Mapping[str, Any]], bring: Optional[Bring], clock: Programs
    ) -> None:
        self._help_out, self._bring, self._clock = help_out, bring, clock
        self._asked, self._brought = False, 0

    def help(self, child: _Child, asked: Mapping[str, Any]) -> bool:
        """Whether it was asked for what it does."""
        if "bring" in asked and self._bring is not None and self._brought < _BROUGHT_AT_MOST:
            self._brought += 1
            self._send_pack(child, self._bring, asked["bring"])
            return True
        if self._asked:
            return False
        self._asked = True
        child.send(self._help_out())
        return True

    def _send_pack(self, child: _Child, bring: Bring, held: Any) -> None:
        if not isinstance(held, list) or not all(isinstance(one, str) for one in held):
            raise _no_message("asks for a pack for what is no list of commits")
        with contextlib.ExitStack() as stack:
            said: dict[str, Any] = {}
            file = None
            try:
                brought = bring(held)
                if brought is not None:
                    said = {"sha256": brought.sha256, "size": brought.size, "base": brought.base}
                    said["came_from"] = brought.came_from
                    file = stack.enter_context(passed_on(brought, self._clock)).fileno()
            except (BadPack, OSError) as why:
                said = {"bad": str(why)}
            child.send(said, file)


def _converse(child: _Child, task: Mapping[str, Any], helper: _Helper) -> Optional[dict[str, Any]]:
    with contextlib.suppress(ConnectionError):
        child.send(task)
        message = child.receive()
        while message is not None and "answer" not in message:
            if not helper.help(child, message):
                raise _no_message("asks too often")
            message = child.receive()
        return None if message is None else _outcome_of(message.get("answer"))
    return None


def _outcome_of(answered: Any) -> dict[str, Any]:
    """Root passes on nothing that is no outcome."""
    try:
        return outcome_in(answered)
    except NoOutcome as why:
        message = f"the process that carried the order out answered with no outcome: {why}"
        raise Failure("crashed", message) from None


def answer(
    descriptor: int,
    carry_out: Callable[
        [Mapping[str, Any], Callable[[], dict[str, Any]], Optional[Bring]], Mapping[str, Any]
    ],
) -> None:
    """The child's side: read the task, carry it out, send the answer."""
    with socket.socket(fileno=descriptor) as end:
        channel = Channel(end, trusts=True)

        def bring(held: Sequence[str]) -> Optional[Brought]:
            channel.send({"bring": list(held)})
            said = channel.receive() or {}
            if "bad" in said:
                raise BadPack(str(said["bad"]))
            if not channel.files:
                return None
            file = channel.files.pop()
            facts = str(said["sha256"]), int(said["size"]), str(said["base"])
            return Brought(*facts, lambda: _opened(file), str(said["came_from"]))

        def ask() -> dict[str, Any]:
            channel.send({})
            return channel.receive() or {}

        task = channel.receive()
        if task is not None:
            brings = bring if task.get("brings") else None
            channel.send({"answer": carry_out(task, ask, brings)})


def _opened(file: int) -> BinaryIO:
    return os.fdopen(file, "rb")


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
    parent = os.getpid()
    text = None if _is_alone() else source()
    if text is not None:
        return _run_anew(account, text, work.__name__, parent, there)
    pid = os.fork()
    if pid == 0:
        here.close()
        _live_as(account, work, parent, there)
    return _Forked(pid)


def _is_alone() -> bool:
    with contextlib.suppress(OSError):  # the kernel knows of threads that are not Python's too
        return len(list(Path("/proc/self/task").iterdir())) == 1
    return threading.active_count() == 1


def go_on_as(task: Mapping[str, Any], work: Callable[[int], None]) -> NoReturn:
    """What a process does that runs the agent anew, and is root's until now."""
    said = task["account"]
    account = Account(**{**said, "groups": tuple(said["groups"])})
    _live_as(account, work, task["parent"], socket.socket(fileno=task["socket"]))


def _live_as(
    account: Account, work: Callable[[int], None], parent: int, there: socket.socket
) -> NoReturn:
    """The child, forked or run anew: from here on the user's."""
    code = 1
    try:
        # Python loads it when it is first used; then the user may not be able to reach its files.
        codecs.lookup("ascii")
        os.set_inheritable(there.fileno(), False)
        # A Ctrl-C at the terminal is for the parent.
        if os.getsid(0) != os.getpid():
            os.setsid()
        account.become(parent)
        work(there.detach())
        code = 0
    except Failure as failure:
        Channel(there).send({"answer": failure.fields()})
    finally:
        os._exit(code)


def _run_anew(
    account: Account, text: bytes, work: str, parent: int, there: socket.socket
) -> subprocess.Popen[bytes]:
    """Start it as root: until it has the whole agent, and has become the user and closed itself
    off, it is nothing that a process of the user could stop, look into, or speak for. All that it
    reads is there before it begins.
    """
    task = {"account": account._asdict(), "work": work, "parent": parent, "socket": there.fileno()}
    problem = ""
    with readable(json.dumps(task).encode("ascii") + b"\n" + text) as given:
        for python in _pythons():
            try:
                return subprocess.Popen(
                    [python, "-I", "-c", _START],
                    stdin=given,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(there.fileno(),),
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                problem = os.strerror(error.errno or 0)
    raise Failure("permission", f"no Python can be started on the target: {problem}")


def _pythons() -> Iterator[str]:
    """This one, which may be in a place that only root can reach, and the system's."""
    if sys.executable:
        yield sys.executable
    system = shutil.which("python3", path=os.defpath)
    if system is not None:
        yield system
